import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { groupThreads, type StageThreads, type ThreadTime } from '../../workers/src/forecast/model/speed-up.ts';
import { BUCKET } from '../support/build-table.ts';
import { capture, LANCEFLOW, type Measured, measure, PYTHON, ROOT, say } from '../support/run.ts';
import { makeSequences } from '../support/sequences.ts';
import { transferTable } from '../support/transfer.ts';
import { makeVectors } from '../support/vectors.ts';

export interface Size {
  rows: number;
  dimension: number;
  /** Query counts of the searches; `exact` and the largest k take the largest. */
  queries: readonly number[];
  ks: readonly number[];
  /** Sequences to embed. */
  sequences: number;
  /** Buckets whose hits are merged, each with the most queries and the largest k. */
  mergedBuckets: number;
}

type Record = (stage: string, program: string, args: readonly string[]) => Promise<void>;

/** Runs every stage, each as a process of its own. @returns the CPU time of their threads */
export async function measureStages(folder: string, size: Size): Promise<StageThreads[]> {
  const stages: StageThreads[] = [];
  const record: Record = async (stage, program, args) => {
    const { seconds, cpuSeconds, threads } = await measureThreads(program, args);
    stages.push({ stage, seconds, cpuSeconds, groups: groupThreads(threads) });
    say(`${stage}: ${cpuSeconds.toFixed(1)} CPU s, ${seconds.toFixed(1)} s`);
  };
  await mkdir(folder, { recursive: true });
  await embed(folder, size, record);
  const database = await build(folder, size, record);
  // A command that does little but start.
  await record('start (catalog)', LANCEFLOW, ['catalog', '--database', database, '--json']);
  await search(folder, database, size, record);
  await merge(folder, size, record);
  await transferTable(folder, join(database, `${BUCKET}.lance`), record);
  return stages;
}

/** Runs a program and measures it, also by thread. */
async function measureThreads(program: string, args: readonly string[]): Promise<Measured & { threads: ThreadTime[] }> {
  return JSON.parse(await capture(PYTHON, [join(ROOT, 'bench/support/measure.py'), '--threads', program, ...args]));
}

async function embed(folder: string, { sequences }: Size, record: Record): Promise<void> {
  const input = await makeSequences(folder, sequences);
  const output = join(folder, 'kmer.h5');
  await record('embed, kmer', LANCEFLOW, [
    ...['embed-sequences', '--model', 'kmer', '--input', input, '--output', output, '--json'],
  ]);
  await rm(output);
}

async function build(folder: string, { rows, dimension }: Size, record: Record): Promise<string> {
  const vectors = await makeVectors(folder, 'vectors', `${rows}`, `${dimension}`, '1');
  const database = join(folder, 'threads-database');
  await rm(database, { recursive: true, force: true });
  const plan = join(folder, 'plan.json');
  await measure(LANCEFLOW, ['pack-buckets', '--input', vectors, '--output', plan, '--json']);
  const bucket = ['--bucket', BUCKET, '--database', database, '--json'];
  await record('ingest', LANCEFLOW, ['ingest-bucket', '--plan', plan, ...bucket]);
  await record('index', LANCEFLOW, ['index-bucket', ...bucket]);
  return database;
}

async function search(folder: string, database: string, size: Size, record: Record): Promise<void> {
  const hits = join(folder, 'hits.parquet');
  const most = Math.max(...size.queries);
  for (const strategy of ['scan', 'exact'])
    for (const count of size.queries)
      for (const k of size.ks) {
        // Few queries matter for the fixed costs of a scan alone.
        if (count < most && (strategy === 'exact' || k > Math.min(...size.ks))) continue;
        const queries = await makeVectors(folder, 'queries', `${count}`, `${size.dimension}`, '2');
        await record(`${strategy}, ${count.toLocaleString('en')} queries, k = ${k}`, LANCEFLOW, [
          ...['search-bucket', '--bucket', BUCKET, '--database', database, '--queries', queries, '--k', `${k}`],
          ...['--search', strategy, '--output', hits, '--json'],
        ]);
        await rm(hits);
      }
}

async function merge(folder: string, { mergedBuckets, queries, ks }: Size, record: Record): Promise<void> {
  const [queryCount, k] = [`${Math.max(...queries)}`, `${Math.max(...ks)}`];
  const shape = ['--buckets', `${mergedBuckets}`, '--queries', queryCount, '--k', k];
  await capture(process.execPath, [join(ROOT, 'bench/merge.ts'), ...shape, ...['--repeats', '0', '--folder', folder]]);
  const parts = join(folder, `merge-${mergedBuckets}-${queryCount}-${k}`);
  const inputs = Array.from({ length: mergedBuckets }, (_, i) =>
    join(parts, `hits_bucket_${String(i + 1).padStart(5, '0')}.parquet`),
  );
  const output = join(parts, 'neighbours.parquet');
  await record('merge', LANCEFLOW, [...['merge-hits', '--k', k, '--output', output, '--json', '--input', ...inputs]]);
  await rm(output);
}
