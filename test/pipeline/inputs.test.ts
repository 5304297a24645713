import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { runHere } from '../support/command.ts';
import { ROOT, temporaryFolder } from '../support/run.ts';
import { copyPipeline, countTasks, nextflow, pipeline, readTrace, snapshot } from './support/nextflow.ts';
import { fasta } from './support/proteins.ts';

// Characters that are special in a shell, in SQL, in a glob or in a locale.
const ODD = `ö 'q' "d" $(touch RUN); rm -rf x; & [1]{2}* \`touch RUN\``;

test('files, folders and addresses with any characters, from a samplesheet', async () => {
  const folder = await temporaryFolder();
  const work = join(folder, 'launch');
  await mkdir(work);
  for (const name of ['one', 'two', ODD]) await mkdir(join(folder, name));
  // Two files of one name in different folders; gzip; odd names.
  await writeFile(join(folder, 'one/same.fasta'), fasta('one', 20, 1));
  await writeFile(join(folder, 'two/same.fasta'), fasta('two', 20, 2));
  await writeFile(join(folder, 'two/zipped.faa.gz'), gzipSync(fasta('zip', 20, 3)));
  await writeFile(join(folder, ODD, `${ODD}.fa`), fasta('odd', 20, 4));
  // Two of a folder of genomes without genes, and a protein of a stop alone.
  await writeFile(join(folder, 'one/none.faa'), '');
  await writeFile(join(folder, 'two/none.faa.gz'), gzipSync(''));
  await writeFile(join(folder, 'two/stop.fa'), `>stop\n*\n${fasta('stop', 1, 5)}`);
  // Vectors of another tool, of no named model.
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 960), }`.padEnd(117);
  const npy = Buffer.concat([
    Buffer.from(`\x93NUMPY\x01\0\x76\0${header}\n`, 'latin1'),
    Buffer.alloc(2 * 960 * 4, Uint8Array.of(0, 0, 128, 63)),
  ]);
  await writeFile(join(folder, 'two/vectors.npy'), npy);
  await writeFile(join(folder, 'two/vectors.txt'), 'v1\nv2\n');
  const quoted = `"${`${ODD}/${ODD}.fa`.replaceAll('"', '""')}"`;
  // Columns of keywords of SQL, with empty cells, an apostrophe, and what looks like a formula.
  const lines = [
    ...['1,one/same.fasta,=SUM(A1),Bacteria', "2,two/same.fasta,,it's"],
    ...['3,two/zipped.faa.gz,é,', `4,${quoted},"a, b",x`, '5,one/none.faa,,', '6,two/none.faa.gz,,', '7,two/stop.fa,,'],
    '8,two/vectors.npy,vectors,none',
  ];
  const sheet = `sample,path,order,Taxon\n${lines.join('\n')}\n`;
  await writeFile(join(folder, 'samples.csv'), sheet);
  await writeFile(join(folder, `${ODD}.fasta`), fasta('one', 20, 1));
  const [database, outdir] = [join(folder, `${ODD}.db`), join(folder, `${ODD}.results`)];

  const { stdout } = await pipeline(
    [
      ...['--input', '../samples.csv', '--queries', `../${ODD}.fasta`, '--model', 'kmer'],
      ...['--database', database, '--outdir', outdir, '--k', '100', '--columns', 'sample,order,Taxon,description'],
    ],
    work,
  );

  expect((await countTasks(outdir)).ran.EMBED_SEQUENCES).toBe(8);
  const skipped = ['one/none.faa,,,no records', 'two/none.faa.gz,,,no records', 'two/stop.fa,1,stop,no residues'];
  expect((await readFile(join(outdir, 'skipped.csv'), 'utf8')).replaceAll(`${folder}/`, '')).toBe(
    `file,record,id,reason\n${skipped.join('\n')}\n`,
  );
  expect(stdout).toContain(`Skipped:    3 records or files without residues, listed in ${outdir}/skipped.csv`);
  const rows = (await readFile(join(outdir, 'neighbours.csv'), 'utf8')).trimEnd().split('\n').slice(1);
  // k is larger than the database: all 83 rows are neighbours, and each query's nearest is itself.
  expect(rows).toHaveLength(20 * 83);
  const first = rows.map((row) => row.split(',')).filter(([, rank]) => rank === '1');
  for (const [query, , target] of first) expect(target).toBe(query);
  // Each target has the cells of its file, in the results and for other clients. Null is an empty cell, an empty description two quotes.
  const cells: Record<string, string> = {
    ...{ one: `1,'=SUM(A1),Bacteria,""`, two: `2,,it's,""`, zip: '3,é,,""', odd: '4,"a, b",x,""', stop: '7,,,""' },
    v: '8,vectors,none,',
  };
  const fileOf = (id: string) => id.replace(/\d+$|_.*/g, '');
  for (const row of rows) expect(row.endsWith(`,${cells[fileOf(row.split(',')[2]!)]}`), row).toBe(true);
  const where = ['--where', "`order` = '=SUM(A1)' AND `Taxon` = 'Bacteria'"];
  const asked = join(folder, 'asked.csv');
  await runHere([
    'ask',
    '--input',
    join(folder, `${ODD}.fasta`),
    '--database',
    database,
    ...where,
    '--k',
    '100',
    '--output',
    asked,
  ]);
  const found = (await readFile(asked, 'utf8'))
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((row) => row.split(',')[2]!);
  expect(new Set(found)).toEqual(new Set(Array.from({ length: 20 }, (_, i) => `one${i}`)));
  expect((await readdir(database)).sort()).toEqual(['_catalog', '_pending', 'bucket_00001.lance']);
  const everything = [...(await snapshot(folder)).keys()];
  expect(everything.filter((path) => path.endsWith('RUN'))).toEqual([]);
  expect(existsSync(join(outdir, 'report.html'))).toBe(true);
  for (const name of ['execution_report.html', 'execution_timeline.html', 'execution_trace.txt', 'pipeline_dag.html'])
    expect(existsSync(join(outdir, 'pipeline_info', name)), name).toBe(true);
});

test("wrong data stops the run with the worker's message, without a retry", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'bad.fasta'), '>a\nMKV\n>b\nMK1V\n');
  const args = ['--input', 'bad.fasta', '--model', 'kmer', '--database', 'db'];
  const { code, stdout } = await nextflow(['run', join(ROOT, 'main.nf'), ...args], folder);
  expect(code).not.toBe(0);
  expect(stdout).toContain('exit status (65)');
  expect(stdout).toContain('bad.fasta');
  expect((await countTasks(join(folder, 'results'))).ran).toEqual({ EMBED_SEQUENCES: 1 });
  expect(existsSync(join(folder, 'db'))).toBe(false);
});

test('a transient fault (75) is retried, wrong data (65) is not, and incomplete hits are not merged', async () => {
  const folder = await temporaryFolder();
  const home = await copyPipeline(join(folder, 'lanceflow'), true);
  // A worker whose first call meets a transient fault (mkdir succeeds for one of two concurrent calls), and which cannot search the
  // second bucket.
  await rename(join(home, 'bin/lanceflow'), join(home, 'bin/real-lanceflow'));
  const tried = join(folder, 'tried');
  const flaky = `#!/bin/sh
case "$*" in *embed-sequences*) date +%s%N >> '${tried}-at' ;; esac
mkdir '${tried}' 2>/dev/null && exit 75
case "$*" in *search-bucket*bucket_00002*) exit 65 ;; esac
exec real-lanceflow "$@"
`;
  await writeFile(join(home, 'bin/lanceflow'), flaky);
  await chmod(join(home, 'bin/lanceflow'), 0o755);
  await writeFile(join(folder, 'a.fasta'), fasta('a', 20, 1));
  const args = ['--input', 'a.fasta', '--queries', 'a.fasta', '--model', 'kmer', '--database', 'db'];

  const { code } = await nextflow(['run', join(home, 'main.nf'), ...args, '--bucket_size', '10'], folder);
  expect(code).not.toBe(0);
  // A retry waits, because the service may be overloaded.
  const begun = (await readFile(`${tried}-at`, 'utf8')).trim().split('\n').map(BigInt);
  expect(Number(begun.at(-1)! - begun[0]!) / 1e9).toBeGreaterThan(2);
  const tasks = await readTrace(join(folder, 'results'));
  const statuses = (name: string) => tasks.filter(({ process }) => process === name).map(({ status }) => status);
  expect(statuses('EMBED_SEQUENCES').sort()).toEqual(['COMPLETED', 'COMPLETED', 'FAILED']);
  expect(statuses('SEARCH_BUCKET').filter((status) => status === 'FAILED')).toHaveLength(1);
  expect(statuses('MERGE_HITS')).toEqual([]);
  expect(existsSync(join(folder, 'results/neighbours.csv'))).toBe(false);
});
