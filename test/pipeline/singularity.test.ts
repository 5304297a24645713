// @module-tag slow

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, temporaryFolder } from '../support/run.ts';
import { standIns } from '../support/singularity.ts';
import { nextflow, pipeline } from './support/nextflow.ts';

// Singularity and Apptainer are not in Debian: stand-ins check the command lines that Nextflow writes, and run the tasks.
// test/containers/worker-image.test.ts runs them in an image.

const isWithin = (folder: string, path: string) => path === folder || path.startsWith(`${folder}/`);

async function start() {
  const folder = await temporaryFolder();
  const engines = await standIns(folder);
  const env = { PATH: `${engines.bin}${delimiter}${process.env.PATH}`, LANCEFLOW_S3_ENCRYPTION: 'AES256' };
  return { folder, engines, env };
}

test('-profile singularity mounts the folders that each task needs, and no others', {
  timeout: 300_000,
}, async () => {
  const { folder, engines, env } = await start();
  const cwd = join(folder, 'here');
  await mkdir(join(cwd, 'my images'), { recursive: true });
  await writeFile(join(cwd, 'my images/lanceflow.sif'), '');
  const database = join(folder, "the user's base");
  const args = ['-profile', 'test,singularity', '--container', 'my images/lanceflow.sif', '--database', database];
  await pipeline([...args, '--s3_requester_pays'], cwd, ROOT, env);
  expect((await readFile(join(cwd, 'results/test/neighbours.csv'), 'utf8')).split('\n').length).toBeGreaterThan(50);

  const started = await engines.started();
  expect(started.length).toBeGreaterThan(8);
  const image = join(cwd, 'my images/lanceflow.sif');
  for (const one of started) {
    expect(one.image).toBe(image);
    expect(one.options).toEqual(['--no-home', '--pid']);
    // The work folder, for inputs and outputs, and bin/; Nextflow mounts a folder that holds both, where one does.
    for (const needed of [join(ROOT, 'bin'), join(cwd, 'work')])
      expect(one.binds.some((bind) => isWithin(bind, needed) || isWithin(needed, bind))).toBe(true);
    expect(one.env).toMatchObject({ LANCEFLOW_S3_ENCRYPTION: 'AES256' });
    expect(one.outside.filter((name) => !['PATH', 'PWD', 'SHLVL', '_'].includes(name))).toEqual([]);
  }
  const withDatabase = started.filter(({ binds }) => binds.includes(`${database}:${database}`));
  // Packing, building and searching; not embedding and merging.
  expect(withDatabase.length).toBeGreaterThanOrEqual(4);
  expect(withDatabase.length).toBeLessThan(started.length - 2);
});

test('a missing image or executor is refused before any task', { timeout: 300_000 }, async () => {
  const { folder, env } = await start();
  const cwd = join(folder, 'here');
  await mkdir(cwd);
  const refused = async (message: RegExp, ...args: string[]) => {
    const { code, stdout, stderr } = await nextflow(['run', join(ROOT, 'main.nf'), ...args], cwd, env);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(message);
    expect(stdout).not.toMatch(/Submitted process/);
  };
  await refused(/here\/lanceflow.sif: no such image. Convert .*apptainer build/, '-profile', 'test,apptainer');
  const input = ['--input', join(ROOT, 'test/pipeline/data/proteins_a.fasta'), '--model', 'kmer', '--database', 'db'];
  await refused(/-profile standard,singularity on this machine/, '-profile', 'singularity', ...input);
  await writeFile(join(cwd, 'lanceflow.sif'), '');
  await refused(/cannot have ',' in its path/, '-profile', 'test,apptainer', '--database', 'a,b');
});
