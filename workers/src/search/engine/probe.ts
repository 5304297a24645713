import * as ort from 'onnxruntime-node';
import type { OpenBucket } from '../../bucket/open-bucket.ts';
import type { Partitions } from '../../database/partitions.ts';
import { createProductSession } from '../../onnx/product-session.ts';
import type { Centroids } from '../../vectors/kmeans.ts';
import type { Metric } from '../../vectors/metric.ts';
import type { Way } from '../plan/choose.ts';
import type { QuerySet } from '../queries/queries.ts';
import type { ScoredSpan } from './block-source.ts';
import { ROW_MULTIPLE, rankGraph } from './rank-graph.ts';

const TILE_QUERIES = 1024;

/** The partitions to look into for each query, nearest centroid first: [queries, nprobes]. */
export interface Probes {
  nprobes: number;
  partitions: Int32Array;
}

/** Ranks the centroids for each query. @param nprobes at most the number of partitions */
export async function rankPartitions(
  { count: queryCount, vectors }: Pick<QuerySet, 'count' | 'vectors'>,
  { centroids }: Pick<Partitions, 'centroids'>,
  metric: Metric,
  nprobes: number,
): Promise<Probes> {
  const { dimension } = centroids;
  const { rows, penalty } = fillUp(centroids);
  const partitions = new Int32Array(queryCount * nprobes);
  const session = await createProductSession(rankGraph(dimension, metric));
  try {
    for (let first = 0; first < queryCount; first += TILE_QUERIES) {
      const tile = vectors.subarray(first * dimension, (first + TILE_QUERIES) * dimension);
      const { positions } = await session.run({
        queries: new ort.Tensor('float32', tile, [tile.length / dimension, dimension]),
        rows: new ort.Tensor('float32', rows, [penalty.length, dimension]),
        penalty: new ort.Tensor('float32', penalty, [penalty.length]),
        limit: new ort.Tensor('int64', BigInt64Array.of(BigInt(nprobes)), [1]),
      });
      partitions.set(positions!.data as Int32Array, first * nprobes);
    }
  } finally {
    await session.release();
  }
  return { nprobes, partitions };
}

/** What fills up is a copy of the first (a zero row would have no cosine), infinitely far. */
function fillUp({ count, dimension, vectors }: Centroids): { rows: Float32Array; penalty: Float32Array } {
  const filled = Math.ceil(count / ROW_MULTIPLE) * ROW_MULTIPLE;
  const penalty = new Float32Array(filled).fill(Number.POSITIVE_INFINITY, count);
  const rows = new Float32Array(filled * dimension);
  rows.set(vectors);
  for (let row = count; row < filled; row++) rows.copyWithin(row * dimension, 0, dimension);
  return { rows, penalty };
}

/**
 * The spans of the table that any query looks into, with those queries. One whose partitions have fewer rows than are to be
 * found looks into all of them.
 * @param find rows to find for a query, at most those of the table
 */
export function probedSpans(probes: Probes, { firstRows, centroids }: Partitions, find: number): ScoredSpan[] {
  const partitionCount = firstRows.length - 1;
  const all = Int32Array.from({ length: partitionCount }, (_, partition) => partition);
  const queryCount = probes.partitions.length / probes.nprobes;
  const partitionsOf = (query: number) => {
    const own = probes.partitions.subarray(query * probes.nprobes, (query + 1) * probes.nprobes);
    return own.reduce((rows, partition) => rows + firstRows[partition + 1]! - firstRows[partition]!, 0) < find
      ? all
      : own;
  };
  const starts = new Int32Array(partitionCount + 1);
  for (let query = 0; query < queryCount; query++)
    for (const partition of partitionsOf(query)) starts[partition + 1]!++;
  for (let i = 0; i < partitionCount; i++) starts[i + 1]! += starts[i]!;
  const next = starts.slice();
  const queries = new Int32Array(starts[partitionCount]!);
  for (let query = 0; query < queryCount; query++)
    for (const partition of partitionsOf(query)) queries[next[partition]!++] = query;
  const spans: ScoredSpan[] = [];
  for (let partition = 0; partition < partitionCount; partition++) {
    const own = queries.subarray(starts[partition]!, starts[partition + 1]!);
    const [first, end] = [firstRows[partition]!, firstRows[partition + 1]!];
    if (own.length === 0 || end === first) continue;
    const { vectors, dimension } = centroids;
    const centre = vectors.subarray(partition * dimension, (partition + 1) * dimension);
    spans.push({ first, end, chosen: { queries: own, centre } });
  }
  return spans;
}

/**
 * What of a table is compared with which queries.
 * @param nprobes partitions that `scan` looks into for a query, if there are as many @param find rows to find for a query
 */
export async function spansToScore(
  bucket: OpenBucket,
  queries: QuerySet,
  way: Exclude<Way, 'ann'>,
  nprobes: number,
  find: number,
): Promise<ScoredSpan[]> {
  if (way === 'exact') return [{ first: 0, end: bucket.entry.rows }];
  const partitions = await bucket.partitions();
  const count = Math.min(nprobes, partitions.centroids.count);
  return probedSpans(await rankPartitions(queries, partitions, bucket.entry.metric, count), partitions, find);
}
