import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { readParquet } from 'parquet-wasm';
import type { Metric } from '../../workers/src/vectors/metric.ts';
import { runHere } from './command.ts';
import { bytewise, type Hit } from './hits.ts';
import type { Rows } from './shards.ts';

/** Options of a build besides its shards. */
export interface BuildOptions {
  /** Default: `folder`/db. */
  database?: string;
  bucketSize?: number;
  ingest?: readonly string[];
  index?: readonly string[];
}

/** Builds a database of shards, bucket by bucket; the plan is in `folder`. @returns its path and its buckets */
export async function buildDatabase(
  folder: string,
  shards: readonly string[],
  { database = join(folder, 'db'), bucketSize = 1_000_000, ingest = [], index = [] }: BuildOptions = {},
  run: (argv: string[]) => Promise<unknown> = runHere,
): Promise<{ database: string; buckets: string[] }> {
  const plan = join(folder, 'plan.json');
  await run([
    'pack-buckets',
    '--input',
    ...shards,
    '--bucket-size',
    `${bucketSize}`,
    '--database',
    database,
    '--output',
    plan,
  ]);
  const { buckets } = JSON.parse(await readFile(plan, 'utf8')) as { buckets: Array<{ bucket: string }> };
  for (const { bucket } of buckets) {
    await run(['ingest-bucket', '--plan', plan, '--bucket', bucket, '--database', database, ...ingest]);
    await run(['index-bucket', '--bucket', bucket, '--database', database, ...index]);
  }
  return { database, buckets: buckets.map(({ bucket }) => bucket) };
}

/** Reads all hits of a file in order, with other libraries than LanceFlow's own code. */
export async function readHitRows(path: string): Promise<Hit[]> {
  const table = tableFromIPC(readParquet(await readFile(path)).intoIPCStream());
  const column = (name: string) => [...(table.getChild(name) ?? [])];
  const [queries, targets, buckets] = ['query_id', 'target_id', 'bucket'].map(column) as [string[], string[], string[]];
  return (column('distance') as number[]).map((distance, row) => ({
    query: queries[row]!,
    target: targets[row]!,
    distance,
    bucket: buckets[row]!,
  }));
}

/** Searches by plain loops in double precision. @returns hits in the order of hits files */
export function bruteForce(queries: Rows, rows: Rows, metric: Metric, k: number, bucket: string): Hit[] {
  const order = [...queries.ids.keys()].sort((a, b) => bytewise(queries.ids[a]!, queries.ids[b]!));
  return order.flatMap((i) => {
    const distances = Float64Array.from(rows.ids, (_, j) => distanceOf(queries, i, rows, j, metric));
    const limit = distances.slice().sort()[Math.min(k, distances.length) - 1]!;
    const nearest = [...rows.ids.keys()].filter((j) => distances[j]! <= limit);
    nearest.sort((a, b) => distances[a]! - distances[b]! || bytewise(rows.ids[a]!, rows.ids[b]!));
    return nearest
      .slice(0, k)
      .map((j) => ({ query: queries.ids[i]!, target: rows.ids[j]!, distance: distances[j]!, bucket }));
  });
}

/** Computes LanceDB's distances: 1 - cosine, squared Euclidean, 1 - inner product. */
function distanceOf(a: Rows, i: number, b: Rows, j: number, metric: Metric): number {
  let [dot, aa, bb, square] = [0, 0, 0, 0];
  for (let c = 0; c < a.dimension; c++) {
    const [x, y] = [a.vectors[i * a.dimension + c]!, b.vectors[j * b.dimension + c]!];
    dot += x * y;
    aa += x * x;
    bb += y * y;
    square += (x - y) ** 2;
  }
  if (metric === 'l2') return square;
  return metric === 'dot' ? 1 - dot : 1 - dot / Math.sqrt(aa * bb);
}

/** Lists all names in a folder, except for the test's own files. */
export async function namesIn(folder: string, ...but: string[]): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).filter((name) => !but.includes(name)).sort();
}
