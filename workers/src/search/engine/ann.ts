import type { Progress } from '../../app/progress.ts';
import { columnFrom } from '../../base/bytes/utf8-column.ts';
import type { OpenBucket } from '../../bucket/open-bucket.ts';
import { idColumn } from '../../lance/ids/arrow-ids.ts';
import type { Metric } from '../../vectors/metric.ts';
import { fitsFloat16, longestCentroid, queryFactor } from '../../vectors/query-scale.ts';
import type { VectorType } from '../../vectors/vector-type.ts';
import { mayLackRows } from '../plan/strategies.ts';
import { hasPartitionRows, probesForRows } from './probes-for-rows.ts';
import type { AnnAnswer } from './scan-vectors.ts';
import { scanVectors } from './scan-vectors.ts';

/** Queries in flight: LanceDB answers each with several threads. */
const IN_FLIGHT = 4;

export interface AnnOptions {
  dimension: number;
  metric: Metric;
  /** How the table stores components: LanceDB rounds queries to it. */
  vectorType: VectorType;
  k: number;
  /** Rows of the table. */
  rows: number;
  partitions: number;
  nprobes: number;
  /** 0: distances are those of the index's codes, without rescoring. */
  refineFactor: number;
  /** Whether answers have row ids. */
  withRowIds?: boolean | undefined;
}

/**
 * Searches the table's LanceDB index. Queries that do not fit the type of the vectors are scaled under dot, and scanned under l2;
 * under cosine, they have unit length.
 * @param vectors queries, [.., D]; `count` of them are searched, from `first`
 * @returns answers in their order. A query whose partitions have fewer than min(k, rows) rows probes as many more as it takes,
 *   nearest first
 */
export async function searchAnn(
  bucket: OpenBucket,
  vectors: Float32Array,
  first: number,
  count: number,
  options: AnnOptions,
  progress: Progress,
): Promise<AnnAnswer[]> {
  const { dimension, metric, vectorType, partitions } = options;
  const isHalf = vectorType === 'float16';
  const answers = new Array<AnnAnswer>(count);
  const wantedRows = Math.min(options.k, options.rows);
  const vectorOf = (i: number) => vectors.slice((first + i) * dimension, (first + i + 1) * dimension);
  const rowLength = metric === 'dot' ? await longestRows(bucket) : 0;
  const scanned: number[] = [];
  // Where most queries need more partitions, each is asked once. Elsewhere, ranking would cost more than it saves.
  const ranked =
    mayLackRows(wantedRows, options.nprobes, options) && hasPartitionRows(bucket)
      ? await probesForRows(bucket, vectors.subarray(first * dimension, (first + count) * dimension), options)
      : undefined;
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < count; i = next++) {
      const vector = vectorOf(i);
      if (metric === 'l2' && isHalf && !fitsFloat16(vector)) {
        scanned.push(i);
        continue;
      }
      const factor = metric === 'dot' ? queryFactor(vector, rowLength, isHalf) : 1;
      let nprobes = ranked?.[i] ?? options.nprobes;
      let answer = await searchScaled(bucket, vector, factor, options, nprobes);
      while (answer.distances.length < wantedRows && nprobes < partitions) {
        nprobes = moreProbes(nprobes, answer.distances.length, wantedRows, partitions);
        answer = await searchScaled(bucket, vector, factor, options, nprobes);
      }
      answers[i] = answer;
      progress.add(1);
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, worker));
  if (scanned.length > 0) {
    const found = await scanVectors(bucket, scanned.map(vectorOf), wantedRows, options.nprobes);
    for (const [i, answer] of found.entries()) answers[scanned[i]!] = answer;
    progress.add(scanned.length);
  }
  return answers;
}

/** Returns the next number of probes of a query that found too few rows: half more than those would have needed that it probed. */
function moreProbes(nprobes: number, found: number, wanted: number, partitions: number): number {
  const needed = Math.ceil((1.5 * nprobes * wanted) / Math.max(1, found));
  return Math.min(partitions, Math.max(2 * nprobes, needed));
}

/** Estimates the length of the longest rows; 1, the usual one, in a table that is too small for partitions. */
async function longestRows(bucket: OpenBucket): Promise<number> {
  return bucket.entry.partitions ? longestCentroid((await bucket.partitions()).centroids) : 1;
}

/** Searches a query times `factor`, and divides the products in the distances (1 - product) by it. */
async function searchScaled(
  bucket: OpenBucket,
  vector: Float32Array,
  factor: number,
  options: AnnOptions,
  nprobes: number,
): Promise<AnnAnswer> {
  if (factor === 1) return searchOne(bucket, vector, options, nprobes);
  const scaled = vector.map((value) => value * factor);
  const { distances, ...found } = await searchOne(bucket, scaled, options, nprobes);
  return { ...found, distances: distances.map((distance) => 1 - (1 - distance) / factor) };
}

async function searchOne(
  { table: whole, copy, where }: OpenBucket,
  vector: Float32Array,
  options: AnnOptions,
  nprobes: number,
): Promise<AnnAnswer> {
  const { metric, k, rows } = options;
  // LanceDB allocates the requested candidates at once, and ends the process where memory is too small.
  const refineFactor = Math.min(options.refineFactor, Math.ceil(rows / k));
  const asked = { vector, nprobes, limit: k, refineFactor };
  // A copy has no columns that a filter could be evaluated on.
  const part = where === undefined ? copy : undefined;
  const answer = await part?.answer(asked);
  if (answer) return answer;
  const table = (await part?.prepare(asked)) ?? whole;
  const query = (where === undefined ? table.query() : table.query().where(where))
    .nearestTo(vector)
    .column('embedding')
    .distanceType(metric)
    .nprobes(nprobes)
    .limit(k)
    .select(['id', '_distance']);
  if (options.withRowIds) query.withRowId();
  // A factor of 1 rescores as well; without a factor, distances are those of the index's codes.
  const found = await (refineFactor > 0 ? query.refineFactor(refineFactor) : query).toArrow();
  // Where all probed partitions are empty, LanceDB returns a table without columns.
  if (found.numRows === 0) return { ids: columnFrom([]), distances: new Float32Array(0), rowIds: new Float64Array(0) };
  const distances = new Float32Array(found.numRows);
  let at = 0;
  for (const { values, offset, length } of found.getChild('_distance')!.data) {
    distances.set((values as Float32Array).subarray(offset, offset + length), at);
    at += length;
  }
  const rowIds = options.withRowIds
    ? Float64Array.from(found.getChild('_rowid')!.toArray() as BigUint64Array, Number)
    : undefined;
  return { ids: idColumn(found as never), distances, rowIds };
}
