import type { Table } from '@lancedb/lancedb';
import type { IndexDescription, TableDescription } from '../database/catalog/catalog-entry.ts';
import { readPartitionCount } from '../lance/format/index-file.ts';
import { takeRows } from '../lance/read-table.ts';
import { innerProduct, lengthOf } from '../vectors/kmeans.ts';
import type { Metric } from '../vectors/metric.ts';
import { LENGTH_IN_FLOAT16 } from '../vectors/query-scale.ts';
import { fewNeighboursFound, ownNeighbourNotFound, poorIndex, unfitIvfPq } from './index-messages.ts';

const SEARCHED_ROWS = 16;
/** Partitions that are probed first: in a large table, probing all would read too many rows. */
const FIRST_PROBES = 64;
/** If more rows than this share a code, a row that is not found proves nothing. */
const MOST_CANDIDATES = 100_000;

/** Rows of the sample in which neighbours are computed, and the neighbours per row. */
const COMPARED_ROWS = 1000;
const NEIGHBOURS = 10;
/** Quantization misses some neighbours; an index that cannot hold the rows finds hardly any. */
const LEAST_SHARE = 0.5;

interface IndexCheck {
  bucket: string;
  rows: number;
  index: IndexDescription;
  /** Whether the table has float16 vectors. */
  isHalf: boolean;
}

interface SampledRow {
  id: string;
  vector: Float32Array;
}

/**
 * Checks a new index: its partition count, that it covers all rows, and that a sample of stored rows find themselves; under dot and
 * in an ivf-pq index, that it finds neighbours as near as those in the sample.
 * @param folder the table's
 * @returns a warning if the index finds few neighbours and no other kind would find more
 * @throws DataError if an ivf-pq index cannot hold these rows
 * @throws Error if the index is wrong for another reason: the build cannot be trusted
 */
export async function checkIndex(
  table: Table,
  folder: string,
  bucket: string,
  { rows, vectorType }: Pick<TableDescription, 'rows' | 'vectorType'>,
  index: IndexDescription,
): Promise<string | undefined> {
  const [config] = await table.listIndices();
  const stats = config && (await table.indexStats(config.name));
  if (!stats) throw new Error(`${bucket}: LanceDB made no index`);
  if (stats.numIndexedRows !== rows || stats.numUnindexedRows !== 0)
    throw new Error(`${bucket}: the index covers ${stats.numIndexedRows} of ${rows} rows`);
  const partitions = await readPartitionCount(folder);
  if (partitions !== index.partitions)
    throw new Error(`${bucket}: the index has ${partitions} partitions, not ${index.partitions} as requested`);

  const isCompared = index.metric === 'dot' || index.kind === 'ivf-pq';
  const sample = await sampleRows(table, rows, isCompared ? COMPARED_ROWS : SEARCHED_ROWS);
  const check = { bucket, rows, index, isHalf: vectorType === 'float16' };
  // Under dot, a row need not be its own nearest neighbour.
  if (index.metric !== 'dot') for (const row of everyNth(sample, SEARCHED_ROWS)) await requireFound(table, row, check);
  return isCompared ? compareWithSample(table, sample, check) : undefined;
}

/** Reads evenly spread rows. */
async function sampleRows(table: Table, rows: number, wanted: number): Promise<SampledRow[]> {
  const count = Math.min(wanted, rows);
  const step = Math.max(1, Math.floor(rows / count));
  const { ids, vectors } = await takeRows(
    table,
    Array.from({ length: count }, (_, i) => i * step),
  );
  const dimension = vectors.length / count;
  return ids.map((id, i) => ({ id, vector: vectors.subarray(i * dimension, (i + 1) * dimension) }));
}

/**
 * Searches a stored row, which must be its own nearest neighbour, at the distance of a row from itself: first in the nearest
 * partitions, then in all. Rows that are nearly equal share a code, and only the candidates are rescored: a row that is not among
 * them is searched again among more.
 */
async function requireFound(table: Table, { id, vector }: SampledRow, check: IndexCheck): Promise<void> {
  const { metric, partitions } = check.index;
  const scale = metric === 'cosine' ? 1 : innerProduct(vector, vector);
  for (let candidates = 20, probes = FIRST_PROBES; ; candidates *= 16, probes = partitions) {
    const [nearest] = await neighbours(table, vector, 1, candidates, probes, check);
    if (nearest?.id === id || Math.abs(nearest?._distance ?? Number.NaN) <= 1e-5 * scale) return;
    if (candidates >= check.rows) throw wrongIndex(ownNeighbourNotFound(id), check);
    if (candidates >= MOST_CANDIDATES) return;
  }
}

/**
 * Compares the neighbours that the index finds for a row with those among a sample of rows: the table has all rows of the sample,
 * so its neighbours must be as near.
 * @returns a warning if they are not, and no other kind of index would do better
 */
async function compareWithSample(table: Table, sample: SampledRow[], check: IndexCheck): Promise<string | undefined> {
  const { metric, partitions } = check.index;
  const rowLength = sample.reduce((most, { vector }) => Math.max(most, lengthOf(vector)), 0);
  // Queries have the length of rows: searches under dot scale shorter ones (`queryFactor`), and this checks only the index.
  const length = Math.min(rowLength, check.isHalf ? LENGTH_IN_FLOAT16 : rowLength);
  const wanted = Math.min(NEIGHBOURS, sample.length);
  let [compared, near] = [0, 0];
  for (const { vector } of everyNth(sample, SEARCHED_ROWS)) {
    const query = metric === 'dot' ? vector.map((x) => (x * length) / (lengthOf(vector) || 1)) : vector;
    const limits = distanceLimits(metric, query, sample).slice(0, wanted);
    const countNear = async (probes: number) => {
      const found = await neighbours(table, query, wanted, NEIGHBOURS, probes, check);
      return limits.filter((limit, rank) => (found[rank]?._distance ?? Number.POSITIVE_INFINITY) <= limit).length;
    };
    const nearFirst = await countNear(FIRST_PROBES);
    near += nearFirst === wanted ? wanted : await countNear(partitions);
    compared += wanted;
  }
  if (near >= LEAST_SHARE * compared) return undefined;
  const found = fewNeighboursFound(near, compared);
  if (check.index.kind === 'ivf-pq') throw wrongIndex(found, check);
  return poorIndex(found);
}

/** The distances of a sample, ascending, each with what rounding may add. */
function distanceLimits(metric: Metric, query: Float32Array, sample: readonly SampledRow[]): number[] {
  const rounding = 1e-5 * (metric === 'l2' ? innerProduct(query, query) : 1);
  const distances = sample.map(({ vector }) => distanceBetween(metric, query, vector)).sort((a, b) => a - b);
  return distances.map((distance) => distance + 1e-3 * Math.abs(distance) + rounding);
}

function neighbours(
  table: Table,
  query: Float32Array,
  count: number,
  refineFactor: number,
  probes: number,
  { index }: IndexCheck,
): Promise<{ id: string; _distance: number }[]> {
  return table
    .query()
    .nearestTo(query)
    .distanceType(index.metric)
    .nprobes(Math.min(probes, index.partitions))
    .refineFactor(refineFactor)
    .limit(count)
    .select(['id', '_distance'])
    .toArray();
}

/** About `count` items of a list, evenly spread. */
function everyNth<T>(list: readonly T[], count: number): T[] {
  return list.filter((_, i) => i % Math.ceil(list.length / count) === 0);
}

/** The distance as LanceDB defines it: under l2, its square. */
function distanceBetween(metric: Metric, a: Float32Array, b: Float32Array): number {
  if (metric === 'l2') return a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0);
  const product = innerProduct(a, b);
  return 1 - (metric === 'dot' ? product : product / (lengthOf(a) * lengthOf(b) || 1));
}

/** IVF_PQ computes in the table's type and has one codebook for all rows: it cannot hold rows of very different lengths. */
function wrongIndex(found: string, { bucket, index, isHalf }: IndexCheck): Error {
  if (index.kind === 'ivf-pq') return unfitIvfPq(bucket, found, isHalf);
  return new Error(`${bucket}: the new index is wrong: ${found}`);
}
