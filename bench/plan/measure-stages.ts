/** Measures the stages whose cost scale.json and search.json lack, each at two sizes, for the rates of `plan`. */
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, LANCEFLOW, PYTHON, ROOT, say } from '../support/run.ts';
import { makeSequences } from '../support/sequences.ts';

/** One run of a command. */
export interface MeasuredStage {
  command: string;
  /** What its cost depends on: rows, residues, shards, ... */
  work: Record<string, number>;
  /** By its own report. */
  seconds: number;
  cpuSeconds: number;
  bytes: number;
  /** Of the whole process, as a task sees it. */
  processSeconds: number;
}

const DIMENSION = 960;
const SHARDS = 300;
const SHARD_ROWS = 200;
const QUERIES = [2000, 20_000];
const K = 10;

/** Runs each command twice, with little and with much to do. */
export async function measureStages(folder: string): Promise<MeasuredStage[]> {
  const measured: MeasuredStage[] = [];
  const at = (name: string) => join(folder, name);
  const run = async (command: string, work: (report: Report) => Record<string, number>, args: readonly string[]) => {
    const startedMs = performance.now();
    const report: Report = JSON.parse(await capture(LANCEFLOW, [command.split(' ')[0]!, ...args, '--json']));
    const processSeconds = (performance.now() - startedMs) / 1000;
    const { seconds, cpuSeconds, bytes } = report;
    measured.push({ command, work: work(report), seconds, cpuSeconds, bytes, processSeconds });
    say(`${command} ${JSON.stringify(work(report))}: ${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} CPU s`);
  };
  await mkdir(folder, { recursive: true });

  for (const rows of [6000, 60_000]) {
    const fasta = await makeSequences(folder, rows);
    const { size: fileBytes } = await stat(fasta);
    await run('embed-sequences', ({ rows: count, residues }) => ({ rows: count, residues: residues!, fileBytes }), [
      ...['--model', 'kmer', '--input', fasta, '--output', at(`s${rows}.h5`)],
      ...['--description', at(`s${rows}.description`)],
    ]);
    await run('pack-buckets', ({ rows: count }) => ({ rows: count, shards: 1 }), [
      ...['--input', at(`s${rows}.description`), '--output', at(`plan-${rows}.json`)],
    ]);
  }
  await capture(PYTHON, [
    join(ROOT, 'bench/plan/make_shards.py'),
    folder,
    `${SHARDS}`,
    `${SHARD_ROWS}`,
    `${DIMENSION}`,
  ]);
  const shards = (count: number) => Array.from({ length: count }, (_, i) => at(`shard_${i}.h5`));
  for (const count of [10, SHARDS]) {
    const bytes = count * SHARD_ROWS * DIMENSION * 4;
    await run('describe-shard', ({ rows }) => ({ rows, shards: count, vectorBytes: bytes }), [
      ...['--input', ...shards(count), '--output', ...shards(count).map((shard) => `${shard}.description`)],
    ]);
  }
  await run('describe-shard', ({ rows }) => ({ rows, shards: 1, vectorBytes: rows * DIMENSION * 4 }), [
    ...['--input', at('s60000.h5'), '--output', at('large.description')],
  ]);
  await run('pack-buckets', ({ rows }) => ({ rows, shards: SHARDS }), [
    ...['--input', ...shards(SHARDS).map((shard) => `${shard}.description`)],
    ...['--output', at('many.json')],
  ]);

  const database = at('database');
  for (const made of [database, at('many-database')]) await rm(made, { recursive: true, force: true });
  for (const [plan, count] of [
    ['plan-60000.json', 1],
    ['many.json', SHARDS],
  ] as const)
    await run('ingest-bucket', ({ rows }) => ({ rows, shards: count }), [
      ...['--plan', at(plan), '--bucket', 'bucket_00001', '--database', count === 1 ? database : at('many-database')],
    ]);
  await run('index-bucket', ({ rows }) => ({ rows, shards: 1 }), ['--bucket', 'bucket_00001', '--database', database]);
  for (const queries of QUERIES) {
    const set = at(`s${queries <= 6000 ? 6000 : 60_000}.h5`);
    for (const search of ['exact', 'scan', 'ann'])
      await run(`search-bucket ${search}`, ({ rows }) => ({ hits: rows, queries, k: K, bucketRows: 60_000 }), [
        ...['--bucket', 'bucket_00001', '--database', database, '--queries', set, '--range', `0:${queries}`],
        ...['--k', `${K}`, '--search', search, '--output', at(`${search}-${queries}.parquet`)],
      ]);
    await run('merge-hits', ({ rows }) => ({ hits: queries * K, rows, queries }), [
      ...['--input', at(`exact-${queries}.parquet`), '--k', `${K}`],
      ...['--output', at(`n${queries}.parquet`), '--csv', at(`n${queries}.csv`)],
    ]);
    await run('render-report', () => ({ rows: queries * K, queries }), [
      ...['--neighbours', at(`n${queries}.parquet`), '--output', at(`r${queries}.html`)],
    ]);
  }
  return measured;
}

interface Report {
  rows: number;
  bytes: number;
  seconds: number;
  cpuSeconds: number;
  residues?: number;
}
