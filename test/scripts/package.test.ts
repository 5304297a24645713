import { cp, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { ROOT, run, sharedFolder } from '../support/run.ts';

const SOURCES = ['package.json', 'README.md', 'LICENSE', 'tsconfig.json', 'nextflow_schema.json', 'bin', 'scripts'];
const DATA = join(ROOT, 'test/pipeline/data');

let folder: string;
let files: string[];

/** Runs the installed command, as its users do, in `folder`. */
async function lanceflow(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(join(folder, 'node_modules/.bin/lanceflow'), args, { cwd: folder });
  expect(code, stderr).toBe(0);
  return stdout;
}

// Packs a copy of the sources, and installs the package beside links to the packages of the repository.
beforeAll(async () => {
  folder = await sharedFolder();
  const clone = join(folder, 'a [clone]');
  for (const path of [...SOURCES, 'workers/src'])
    await cp(join(ROOT, path), join(clone, path), { recursive: true, filter: (from) => !from.endsWith('.log') });
  await symlink(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  const env = { ...process.env, PATH: [join(ROOT, 'node_modules/.bin'), process.env.PATH].join(delimiter) };
  const packed = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: clone, env });
  expect(packed.code, packed.stderr).toBe(0);

  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, '.bin'), { recursive: true });
  for (const name of await readdir(join(ROOT, 'node_modules')))
    if (name !== '.bin') await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  await run('tar', ['-xzf', join(folder, packed.stdout.trim()), '-C', folder]);
  await cp(join(folder, 'package'), join(modules, 'lanceflow'), { recursive: true });
  files = await readdir(join(modules, 'lanceflow'), { recursive: true });
  const { bin } = JSON.parse(await readFile(join(modules, 'lanceflow/package.json'), 'utf8'));
  await symlink(join(ROOT, 'node_modules/.bin/node'), join(modules, '.bin/node'));
  await symlink(join('../lanceflow', bin.lanceflow), join(modules, '.bin/lanceflow'));
});

test('the package has the command and its compiled sources, and neither tests nor data', () => {
  for (const file of ['bin/lanceflow', 'dist/src/cli.js', 'README.md', 'LICENSE', 'nextflow_schema.json'])
    expect(files).toContain(file);
  expect(files.filter((file) => /\.(ts|fasta|csv)$|(^|\/)test\//.test(file))).toEqual([]);
});

test('the installed command builds a database and asks it, in all its threads', async () => {
  expect(await lanceflow('--help')).toContain('embed-sequences');
  const fasta = join(DATA, 'proteins_a.fasta');
  await lanceflow('embed-sequences', '--model', 'kmer', '--input', fasta, '--output', 'a.h5');
  await lanceflow('pack-buckets', '--input', 'a.h5', '--database', 'db', '--output', 'plan.json');
  for (const command of ['ingest-bucket', 'index-bucket']) {
    const plan = command === 'ingest-bucket' ? ['--plan', 'plan.json'] : [];
    await lanceflow(command, ...plan, '--bucket', 'bucket_00001', '--database', 'db');
  }
  const id = /^>(\S+)/.exec(await readFile(fasta, 'utf8'))![1]!;
  const answer = await lanceflow('ask', '--id', id, '--database', 'db', '--k', '1', '--format', 'csv');
  expect(answer).toContain(id);
});
