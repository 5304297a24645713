// @module-tag slow

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openParquet } from '../../workers/src/hits/parquet/parquet-file.ts';
import { parseOutcome } from '../../workers/src/run/outcome.ts';
import { ROOT, run as runProgram, temporaryFolder } from '../support/run.ts';
import { countTasks, NEXTFLOW, nextflow, pipeline, snapshot } from './support/nextflow.ts';
import { fasta } from './support/proteins.ts';

interface Run {
  run: string;
  started: string;
  command: string;
  database: string;
  buckets: Record<string, string>;
  files: { name: string; bytes: number }[];
}

async function metadataOf(path: string): Promise<ReadonlyMap<string, string>> {
  const file = await openParquet(path);
  file.close();
  return file.metadata;
}

test('the results in a folder belong to one run, which run.json names', { timeout: 300_000 }, async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  const results = async () => {
    const names = (await readdir(at('results'))).filter((name) => name !== 'pipeline_info').sort();
    return { names, run: JSON.parse(await readFile(at('results/run.json'), 'utf8')) as Run };
  };
  await writeFile(at('a <b>.fasta'), fasta('a', 20, 1));
  await writeFile(at('bad.fasta'), '>a\nMK1V\n');
  const search = ['--queries', 'a <b>.fasta', '--model', 'kmer', '--database', 'db', '-resume'];

  const build = ['--input', 'a <b>.fasta', '--bucket_size', '10'];
  // A plan is all that --plan_only makes.
  const { stdout: planned } = await pipeline([...search, ...build, '--plan_only'], folder);
  expect(planned).toMatch(/^ingest-bucket +2 .*\n.*^all +11 .*^In all: /ms);
  expect(await countTasks(at('results'))).toEqual({ ran: { PLAN_RUN: 1 }, cached: {} });
  expect([existsSync(at('db')), existsSync(at('results/report.html'))]).toEqual([false, false]);

  // A run with a budget shows the plan beside what it took.
  const priced = ['--budget', '50', '--plan_machine', 'i4i.8xlarge'];
  const { stdout: screen } = await pipeline([...search, ...build, ...priced], folder);
  for (const line of [
    `Database:   ${at('db')} (2 buckets)`,
    'Built:      2 buckets, 20 vectors',
    'Searched:   20 queries, 200 neighbours (k = 10)',
    'Recall@10:  1 (every query was compared with every vector)',
    'Report:     results/report.html',
    `  ${join(ROOT, 'bin/lanceflow')} catalog --database ${at('db')}`,
  ])
    expect(screen.split('\n')).toContain(line);
  const first = await results();
  const listed = ['neighbours.csv', 'neighbours.parquet', 'report.html'];
  expect(first.names).toEqual([...listed, 'run.json', 'outcome.json'].sort());
  const { run, command, database, buckets, started, files } = first.run;
  expect(command).toMatch(/^nextflow run .*main\.nf --queries 'a <b>\.fasta' .* --bucket_size 10 --budget 50 /);
  expect(database).toBe(at('db'));
  expect(files.map(({ name }) => name).sort()).toEqual(listed);
  const report = await readFile(at('results/report.html'), 'utf8');
  for (const text of [run, started, at('db'), "--queries 'a &lt;b&gt;.fasta'", ...Object.values(buckets)])
    expect(report).toContain(text);
  expect(report).toMatch(/<h2>Plan and outcome<.*i4i\.8xlarge at the prices of .*<span>ingest-bucket<.*<strong>Run</s);
  // Links to the files beside it.
  expect([...report.matchAll(/href="([^"]*)"/g)].map(([, name]) => name)).toEqual([
    'neighbours.csv',
    'neighbours.parquet',
    'outcome.json',
    'run.json',
  ]);
  // It names its run, and has all stages.
  const outcomeText = await readFile(at('results/outcome.json'), 'utf8');
  expect(JSON.parse(outcomeText).run).toBe(run);
  const { stages } = parseOutcome(outcomeText, 'outcome.json');
  expect(stages.map(({ command: stage, tasks }) => [stage, tasks])).toEqual([
    ...[
      ['embed-sequences', 1],
      ['pack-buckets', 1],
      ['ingest-bucket', 2],
      ['index-bucket', 2],
    ],
    ...[
      ['search-bucket', 2],
      ['merge-hits', 1],
    ],
  ]);
  // The file records the searched tables, but nothing that differs between runs with the same neighbours.
  const neighbours = await readFile(at('results/neighbours.parquet'));
  const metadata = await metadataOf(at('results/neighbours.parquet'));
  const recipes = JSON.parse(metadata.get('lanceflow.buckets')!);
  expect(Object.keys(recipes)).toEqual(['bucket_00001', 'bucket_00002']);
  for (const bucket of Object.keys(recipes)) {
    const entry = JSON.parse(await readFile(at(`db/_catalog/${bucket}.json`), 'utf8'));
    expect([entry.fingerprint, entry.recipe]).toEqual([buckets[bucket], recipes[bucket]]);
  }

  // Another form of CSV into the same folder: files of a killed run are removed, other files stay.
  await copyFile(at('results/run.json'), at(`results/.report.html.${crypto.randomUUID()}.tmp`));
  await writeFile(at('results/notes.txt'), 'mine');
  await pipeline([...search, '--csv', 'gzip', '--search', 'exact'], folder);
  const second = await results();
  expect(second.names).toEqual([
    ...['neighbours.csv.gz', 'neighbours.parquet', 'notes.txt', 'outcome.json', 'report.html', 'run.json'],
  ]);
  expect(second.run.run).not.toBe(run);
  expect((await readFile(at('results/neighbours.parquet'))).equals(neighbours)).toBe(true);

  // A run that fails, or only builds, leaves them, names their run, and ends with the reason and the command.
  const before = await snapshot(at('results'));
  const args = ['--input', 'bad.fasta', '--model', 'kmer', '--database', 'db'];
  const { code, stdout } = await nextflow(['run', join(ROOT, 'main.nf'), ...args], folder);
  expect(code).not.toBe(0);
  expect(stdout).toContain(`The results in results are those of the run ${second.run.run} of ${second.run.started}.`);
  const [reason, log, resume] = stdout.trimEnd().split('\n').slice(-3);
  expect(reason).toMatch(`lanceflow embed-sequences: ${at('bad.fasta')}: record 1`);
  const [, shell] = /^Its log: {4}(cat \S+\/work\/\S+\/\.command\.log)$/.exec(log!) ?? [];
  expect((await runProgram('sh', ['-c', shell!])).stdout).toContain(reason);
  expect(resume).toBe(`To resume:  ${NEXTFLOW} run ${join(ROOT, 'main.nf')} ${args.join(' ')} -resume`);
  const after = await snapshot(at('results'));
  for (const [path, bytes] of before)
    if (!path.startsWith('pipeline_info')) expect(after.get(path)?.equals(bytes), path).toBe(true);
});

test('after Ctrl-C a run prints the command that resumes it, and the command works', { timeout: 300_000 }, async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'in [1]'));
  for (let i = 0; i < 3; i++) await writeFile(join(folder, `in [1]/${i}.fasta`), fasta(`p${i}_`, 10, i));
  const args = ['run', join(ROOT, 'main.nf'), '--input', 'in [[]1]/*.fasta', '--model', 'kmer', '--database', "d'b"];
  const run = spawn(NEXTFLOW, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  let isStopped = false;
  run.stdout.on('data', (bytes: Buffer) => {
    printed += bytes.toString();
    if (!isStopped && printed.includes('Submitted process')) isStopped = run.kill('SIGINT');
  });
  const [code] = (await once(run, 'close')) as [number];
  expect(code).not.toBe(0);
  const resume = /^The run was stopped by SIGINT\.\nTo resume: {2}(.*)$/m.exec(printed);
  expect(resume, printed).not.toBeNull();
  // As a user would paste it.
  const pasted = spawn('bash', ['-c', `exec ${resume![1]}`], { cwd: folder, stdio: 'ignore' });
  expect(await once(pasted, 'close')).toEqual([0, null]);
  expect(await readdir(join(folder, "d'b/_catalog"))).toEqual(['bucket_00001.json']);
});
