// @module-tag slow

import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ROOT, run, sharedFolder, temporaryFolder } from '../support/run.ts';
import { check, inputs, parameters, request } from './support/checks.ts';
import { nextflow, pipeline, snapshot } from './support/nextflow.ts';
import { fasta } from './support/proteins.ts';

// Texts that create a file named RUN if bash runs them: as an expansion, as a command, or after the end of a quoted text.
const HOSTILE = [
  '$(touch RUN)',
  '`touch RUN`',
  "'; touch RUN; '",
  '"; touch RUN; "',
  '\\$(touch RUN)',
  '; touch RUN #',
];
const CONTROL = ['a\ntouch RUN', 'a\rb', 'a\u001b[2Jb', 'a\tb', 'a\u009bb', 'a\u0000b', 'a\ufffdb'];

interface Definition {
  type: string;
  enum?: string[];
}

async function definitions(): Promise<Record<string, Definition>> {
  const schema = JSON.parse(await readFile(join(ROOT, 'nextflow_schema.json'), 'utf8')) as {
    $defs: Record<string, { properties: Record<string, Definition> }>;
  };
  return Object.assign({}, ...Object.values(schema.$defs).map(({ properties }) => properties));
}

async function filesNamed(folder: string, name: string): Promise<string[]> {
  return [...(await snapshot(folder)).keys()].filter((path) => path.endsWith(name));
}

test('a parameter with a command is refused before any task, or is a path or a name that Shell.quote quotes', async () => {
  const folder = await temporaryFolder();
  const all = Object.keys(await definitions());
  const cases = all.flatMap((name) =>
    [...HOSTILE, ...CONTROL].map((text) => [`${name} ${JSON.stringify(text)}`, parameters({ [name]: `/x/${text}` })]),
  );
  const answers = await check(Object.fromEntries(cases), folder);
  const accepted = Object.keys(answers).filter((name) => answers[name]!.error === undefined);
  // The next tests run with most of these.
  const paths = [
    'input',
    'queries',
    'query_ids',
    'database',
    'outdir',
    'model',
    'cache',
    'embedding_cache',
    'plan_prices',
  ];
  const datasets = ['h5_embedding', 'h5_id', 'where'];
  const expected = [...paths, ...datasets].flatMap((name) => HOSTILE.map((text) => `${name} ${JSON.stringify(text)}`));
  expect(accepted.sort()).toEqual(expected.sort());
  for (const [name, { error }] of Object.entries(answers))
    for (const letter of error ?? '') expect(letter === '\n' || !/[\p{Cc}]/u.test(letter), name).toBe(true);
});

test('values of wrong types, and paths that are not files, are refused by name', async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  for (const name of ['data', 'elsewhere/inside', 'looped', 'x.fa', 'db']) await mkdir(at(name), { recursive: true });
  await writeFile(at('data/a.fasta'), '>a\nMKV\n');
  await writeFile(at('elsewhere/a.fasta'), '>b\nMKV\n');
  await writeFile(at('a.fasta'), '>c\nMKV\n');
  await writeFile(at('a1.fasta'), '');
  await symlink(at('elsewhere/inside'), at('link'));
  await symlink(at('gone.fasta'), at('a[1].fasta'));
  await symlink(at('looped/b.fasta'), at('looped/a.fasta'));
  await symlink(at('looped/a.fasta'), at('looped/b.fasta'));
  await run('mkfifo', [at('pipe.fasta')]);
  const sheets: Record<string, string | Buffer> = {
    utf16: Buffer.from('\ufeffpath\tn\r\ndata/a.fasta\t1\r\n', 'utf16le'),
    semicolons: '\ufeffsample;path\r\n"x;1";data/a.fasta\r\n',
    carriage: 'path\rdata/a.fasta\r',
    spaces: 'path , n\n data/a.fasta ,1\n',
    quotes: 'path,n\n"data/a.fasta" ,"say ""x"", twice"\n',
    latin1: Buffer.from('path\ndata/a.fasta\ndata/pr\xf6be.fasta\n', 'latin1'),
    bare16: Buffer.from('path\ndata/a.fasta\n', 'utf16le'),
    unclosed: 'path\n"data/a.fasta\ndata/b.fasta\n',
    columns: 'path,path\ndata/a.fasta,data/a.fasta\n',
    folder: 'path\ndata\n',
    outside: 'path\nlink/../a.fasta\n',
  };
  for (const [name, text] of Object.entries(sheets)) await writeFile(at(`${name}.csv`), text);
  const input = at('data');

  const answers = await check(
    {
      notFinite: parameters({ max_distance: '.nan' }),
      huge: parameters({ k: 1e17, bucket_size: 2 ** 53 - 1 }),
      list: parameters({ input: ['a', 'b'] }),
      map: parameters({ database: { a: 'b' } }),
      text: parameters({ check_ids: 'yes', k: '10', target_recall: '0.9' }),
      scheme: request({ input, model: 'kmer', database: '://x' }),
      web: request({ input, model: 'kmer', database: 'http://x/y' }),
      outdirAddress: request({ input, model: 'kmer', database: 'db', outdir: 'gs://b/x' }),
      outdirFile: request({ input, model: 'kmer', database: 'db', outdir: at('a.fasta') }),
      longName: request({ input, model: 'kmer', database: at('x'.repeat(300)) }),
      colons: request({ input, model: 'kmer', database: at('a:/b') }),
      noScheme: inputs('://x'),
      otherScheme: inputs('nowhere://x/y.fa'),
      azure: inputs('az://x/y.fa'),
      everything: inputs('/proc/1/task/**'),
      linkToNothing: inputs(at('a[1].fasta')),
      loop: inputs(at('looped')),
      loopItself: inputs(at('looped/a.fasta')),
      pipe: inputs(at('pipe.fasta')),
      device: inputs('/dev/null'),
      long: inputs(at('y'.repeat(300))),
      tooLong: inputs(`/${'y/'.repeat(3000)}z.fa`),
      throughLink: inputs(`${folder}/link/../a.fasta`),
      upAndDown: inputs(`${folder}/data/../nothing/../data/a.fasta`),
      ...Object.fromEntries(Object.keys(sheets).map((name) => [`sheet ${name}`, inputs(at(`${name}.csv`))])),
    },
    folder,
  );

  const wrong: Record<string, string> = {
    huge: '--k is 100000000000000000; it needs a whole number up to 9007199254740991',
    list: '--input is [a, b]; it needs a value',
    map: '--database is {a=b}; it needs a value',
    text: "--check_ids is 'yes'; it needs true or false.\n--k is '10'",
    notFinite: "--max_distance is '.nan'; it needs a number",
    scheme: '--database ://x: this address cannot be read: it must begin with a scheme',
    web: "'http://' is not supported",
    outdirAddress: '--outdir gs://b/x: results cannot be written there',
    outdirFile: 'a.fasta is a file; name a folder',
    longName: '--database: a name of more than 255 bytes: xxx',
    noScheme: '--input ://x: this address cannot be read',
    otherScheme: '--input nowhere://x/y.fa: this address cannot be read',
    azure: '--input az://x/y.fa: this address cannot be read',
    everything: '/proc/1/task/**',
    linkToNothing: `--input: this link is broken: its target does not exist: ${at('a[1].fasta')}`,
    loop: '--input: Too many levels of symbolic links',
    loopItself: '--input: Too many levels of symbolic links',
    pipe: 'this is a pipe or a device, not a file',
    device: '/dev/null is of no known kind',
    long: '--input: a name of more than 255 bytes',
    tooLong: '--input: File name too long',
    'sheet latin1': 'latin1.csv, line 3: the samplesheet is not in UTF-8. Save it as "CSV UTF-8".',
    'sheet bare16': 'the samplesheet is not text',
    'sheet unclosed': 'the quote that opens in line 2 is not closed',
    'sheet columns': "must name a column 'path', once",
    'sheet folder': 'folder.csv, line 2: this is a folder, not a file',
  };
  const errors = Object.entries(answers).flatMap(([name, { error }]) => (error === undefined ? [] : [name]));
  expect(errors.sort()).toEqual(Object.keys(wrong).sort());
  for (const [name, part] of Object.entries(wrong)) expect(answers[name as keyof typeof answers].error).toContain(part);

  const found = [[at('data/a.fasta'), 'fasta']];
  for (const name of ['utf16', 'semicolons', 'carriage', 'spaces', 'quotes'])
    expect(answers[`sheet ${name}` as keyof typeof answers].value, name).toEqual(found);
  // `..` after a link is the parent of the link's target, as for every other program.
  for (const name of ['throughLink', 'sheet outside'] as const)
    expect(answers[name as keyof typeof answers].value, name).toEqual([[at('elsewhere/a.fasta'), 'fasta']]);
  expect(answers.upAndDown.value).toEqual(found);
  expect(answers.colons.value).toBe(at('a:/b'));
});

describe('names that bash would expand to others', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  // Beside each is the file to which bash would expand the name, as a pattern or with a variable.
  const NAMES = ['x[1].fa', '$HOME.fa', 'b{1,2}.fa', 'c?*.fa', 'in[2]/y.fa', 'h[1].fa'];
  const OTHERS = ['x1.fa', 'b1.fa', 'b2.fa', 'cc.fa', 'in2/y.fa', 'h1.fa', '.fa'];

  beforeAll(async () => {
    folder = await sharedFolder();
    for (const name of ['in', 'in/in[2]', 'in/in2']) await mkdir(at(name));
    for (const [i, name] of NAMES.entries()) await writeFile(at(`in/${name}`), fasta(`named${i}_`, 2, i));
    for (const [i, name] of OTHERS.entries()) await writeFile(at(`in/${name}`), fasta(`other${i}_`, 2, 50 + i));
    // A link is treated as its target.
    await symlink(at('in/h[1].fa'), at('in/link.fa'));
    await writeFile(
      at('in/s[1].csv'),
      `path\n${NAMES.map((name) => `"${name.replace('h[1]', 'link')}"`).join('\n')}\n`,
    );
    await writeFile(at('in/s1.csv'), 'path\nx1.fa\n');
    await writeFile(at('in/ids[1].txt'), 'named1_0\n');
    await writeFile(at('in/ids1.txt'), 'other1_0\n');
  });

  test('exactly the named files, samplesheets and lists of ids are read, also with -resume', async () => {
    const args = [
      ...['--input', 'in/s[1].csv', '--queries', 'in/x[1].fa', '--query_ids', 'in/ids[1].txt', '--model', 'kmer'],
      ...['--database', 'd[1]', '--outdir', 'o[1]$HOME', '--k', '100', '-resume'],
    ];
    for (let i = 0; i < 2; i++) {
      await pipeline(args, folder);
      const rows = (await readFile(at('o[1]$HOME/neighbours.csv'), 'utf8')).trimEnd().split('\n').slice(1);
      const cells = rows.map((row) => row.split(','));
      expect([...new Set(cells.map(([query]) => query))]).toEqual(['named0_0', 'named0_1', 'named1_0']);
      const targets = new Set(cells.map(([, , target]) => target!));
      expect([...targets].sort()).toEqual(NAMES.flatMap((_, n) => [`named${n}_0`, `named${n}_1`]).sort());
    }
    const trace = await readFile(at('o[1]$HOME/pipeline_info/execution_trace.txt'), 'utf8');
    expect(trace).not.toMatch(/COMPLETED/);
  });

  test('messages quote the user’s name; work folders that bash would misread are refused', async () => {
    await writeFile(at('in/bad[1].fa'), '>a\nMK1V\n');
    const args = ['--input', 'in/bad[1].fa', '--model', 'kmer', '--database', 'other'];
    const { stdout } = await nextflow(['run', join(ROOT, 'main.nf'), ...args], folder);
    expect(stdout).toContain(`${at('in/bad[1].fa')}`);
    const refused = await nextflow(['run', join(ROOT, 'main.nf'), ...args, '-w', 'w$(touch RUN)'], folder);
    expect(refused.code).not.toBe(0);
    expect(refused.stdout).toContain("has '$' in its path");
    expect(await filesNamed(folder, 'RUN')).toEqual([]);
  });

  test('containers mount folders under their names, and get no input that bash would misread', async () => {
    // A stand-in for a container engine that runs the command on this machine.
    await mkdir(at('bin'));
    await writeFile(
      at('bin/podman'),
      '#!/bin/bash\nwhile [ $# -gt 1 ] && [ "$1" != lanceflow:0.1.0 ]; do shift; done\nshift\nexec "$@"\n',
    );
    await chmod(at('bin/podman'), 0o755);
    const env = { PATH: `${at('bin')}:${process.env.PATH}` };
    const odd = `o ${HOSTILE.join(' ').replaceAll('/', '')}`;
    const named = [
      '-profile',
      'podman',
      '-stub-run',
      '--input',
      'in/s[1].csv',
      '--queries',
      'in/x1.fa',
      '--model',
      'kmer',
    ];
    // An input is a hard link in the work folder, which is mounted.
    await pipeline([...named, '--database', `${odd}.db`, '--outdir', `${odd}.out`], folder, ROOT, env);
    await pipeline([...named, '--database', 's3://b/x', '--nvme', at('n 1')], folder, ROOT, env);
    const refused = await nextflow(['run', join(ROOT, 'main.nf'), ...named, '--database', 'a:b'], folder, env);
    expect(refused.code).not.toBe(0);
    expect(refused.stdout).toContain("--database a:b: a folder that containers mount cannot have ':' in its path");
    expect(await filesNamed(folder, 'RUN')).toEqual([]);
  });
});
