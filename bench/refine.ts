/**
 * The reads of LanceDB's refine step, which rescores candidates by their full vectors, with and without partition order: the
 * same kind of index over the same vectors, one query at a time. LanceDB's own plan counts bytes and requests.
 *
 *   npm run bench -- refine --rows 200000 --queries 100 [--index ivf-rq,ivf-pq] [--folder DIR]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openTable } from '../workers/src/lance/tables.ts';
import { openShard } from '../workers/src/shard/shard-reader.ts';
import { BUCKET, buildTable } from './support/build-table.ts';
import { say, withFolder } from './support/run.ts';
import { makeVectors } from './support/vectors.ts';

const NPROBES = 20;
const REFINE = 10;
const K = 10;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '200000' },
    dimension: { type: 'string', default: '960' },
    queries: { type: 'string', default: '100' },
    index: { type: 'string', default: 'ivf-rq,ivf-pq' },
    folder: { type: 'string' },
  },
});

/** Means over the queries. */
interface Reads {
  candidates: number;
  /** Ranges of adjacent rows. */
  ranges: number;
  fragments: number;
  requests: number;
  bytes: number;
}

await withFolder(values.folder, async (folder) => {
  const vectors = await makeVectors(folder, 'vectors', values.rows, values.dimension, '1');
  const queries = await readAll(await makeVectors(folder, 'queries', values.queries, values.dimension, '2'));
  const results: Record<string, Reads> = {};
  for (const index of values.index.split(','))
    for (const order of ['partition', 'none']) {
      const name = `${index}, order ${order}`;
      const database = join(folder, `refine-${index}-${order}`);
      await buildTable(vectors, database, { ingest: ['--order', order], index: ['--index', index] });
      results[name] = await readsOf(database, queries);
      say(`${name}: ${JSON.stringify(results[name])}`);
    }
  const settings = { rows: Number(values.rows), dimension: Number(values.dimension), queries: queries.length };
  const report = { ...settings, k: K, nprobes: NPROBES, refineFactor: REFINE, readsOfRefinePerQuery: results };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
});

async function readAll(path: string): Promise<Float32Array[]> {
  const shard = await openShard(path);
  const { vectors } = await shard.readRows(0, shard.rows, new ArrayBuffer(shard.rows * shard.dimension * 4));
  shard.close();
  const all = new Float32Array(vectors);
  return Array.from({ length: shard.rows }, (_, i) => all.subarray(i * shard.dimension, (i + 1) * shard.dimension));
}

async function readsOf(database: string, queries: readonly Float32Array[]): Promise<Reads> {
  const table = await openTable(database, BUCKET);
  const sum: Reads = { candidates: 0, ranges: 0, fragments: 0, requests: 0, bytes: 0 };
  for (const vector of queries) {
    const query = table.query().nearestTo(vector).distanceType('cosine').nprobes(NPROBES).refineFactor(REFINE).limit(K);
    const plan = await query.select(['id', '_distance']).analyzePlan();
    const line = plan.split('\n').find((text) => text.includes('LanceRead') && text.includes('projection=[embedding]'));
    if (line === undefined) throw new Error(`LanceDB's plan does not have the reads of the refine step:\n${plan}`);
    sum.candidates += metric(line, 'rows_scanned');
    sum.ranges += metric(line, 'ranges_scanned');
    sum.fragments += metric(line, 'fragments_scanned');
    sum.requests += metric(line, 'requests');
    sum.bytes += metric(line, 'bytes_read');
  }
  table.close();
  return Object.fromEntries(
    Object.entries(sum).map(([name, total]) => [name, total / queries.length]),
  ) as unknown as Reads;
}

/** Parses a value such as `bytes_read=436.7 K` in a line of the plan. */
function metric(line: string, name: string): number {
  const [, digits, unit = ''] = new RegExp(`${name}=([\\d.]+) ?([KMGB]?)`).exec(line) ?? [];
  if (digits === undefined) throw new Error(`no ${name} in ${line}`);
  return Number(digits) * ({ K: 1e3, M: 1e6, G: 1e9 }[unit] ?? 1);
}
