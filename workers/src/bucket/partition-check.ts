import type { Table } from '@lancedb/lancedb';
import { partitionOf } from '../base/bytes/partition-of.ts';
import { DataError } from '../base/errors.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { FIRST_SOUND_ASSIGNER, type Partitions, readPartitions } from '../database/partitions.ts';
import { openVersion } from '../database/table-state.ts';
import { openTable } from '../lance/tables.ts';
import { commonCentre, distance, quantile } from '../vectors/centre.ts';
import { distinctVectors } from '../vectors/distinct.ts';
import { type Centroids, lengthOf } from '../vectors/kmeans.ts';
import type { Metric } from '../vectors/metric.ts';
import { misplacedRows, unevenPartitions } from './bucket-messages.ts';
import { rankPartitions } from './rank-partitions.ts';
import { findLargePartition, type LargePartition } from './uneven-partitions.ts';

/** A build warns about a partition with more than this multiple of the median row count, and more than this share of all rows. */
const WARNED = { times: 8, share: 0.02 };
/** Thresholds above which a partition is checked in a table that an earlier version built. */
const SUSPICIOUS = { times: 4, share: 0.005 };
/** Rows sampled from the table, and from its largest partition. */
const SAMPLE_ROWS = 256;
/** A row is misplaced if its partition is neither among this share of the nearest partitions, nor among this number of them. */
const NEAREST_SHARE = 0.05;
const NEAREST_COUNT = 5;
/** Differences below the precision of 8-bit codes: shares of the squared distance, and of the row's squared length. */
const CODE_ERROR = { ofDistance: 0.05, ofLength: 1e-3 };
/** Shares of misplaced rows that are larger than rounding between two centroids explains. */
const MISPLACED = { ofTable: 0.04, ofLargest: 0.5 };
/** A centroid that is this many times farther from the common centre than the median does not represent rows of usual length. */
const FAR = 8;
/** Range of (median distance in the largest partition) / (upper quartile in the table) if no centroid separates the partition's rows. */
const AS_WIDE = { min: 0.5, max: 2 };

/**
 * Describes the largest partition of a new table if it is far larger than the others.
 * @param folder that holds the table
 * @returns a warning; undefined if partitions are even, or if the largest holds copies of a few vectors
 */
export async function describeUneven(
  folder: string,
  name: string,
  { dimension }: Centroids,
  partitionRows: Float64Array,
): Promise<string | undefined> {
  const firstRows = Float64Array.of(0, ...partitionRows);
  for (let i = 1; i < firstRows.length; i++) firstRows[i]! += firstRows[i - 1]!;
  const large = findLargePartition(firstRows, WARNED.times, WARNED.share);
  if (!large) return undefined;
  const table = await openTable(folder, name);
  const { vectors, rows } = await readRows(table, offsetsIn(firstRows, large), dimension).finally(() => table.close());
  if (distinctVectors(vectors, dimension).count <= rows / 2) return undefined;
  return unevenPartitions(large.rows, firstRows.at(-1)!, large.median);
}

/**
 * Checks whether an earlier version misplaced rows of a table because another row is much longer (ADR 17).
 * @returns a warning; undefined if rows are in their partitions
 */
export async function findMisplacedRows(database: Database, entry: CatalogEntry): Promise<string | undefined> {
  const { bucket, partitions: order, metric, deletedRows } = entry;
  // LanceDB numbers rows without the deleted ones.
  if (!order || deletedRows || (order.assigner ?? 1) >= FIRST_SOUND_ASSIGNER) return undefined;
  const partitions = await readPartitions(database, order, entry).catch((error: unknown) => {
    // verify reports a damaged file, as does a search that needs it.
    if (error instanceof DataError) return undefined;
    throw error;
  });
  if (!partitions) return undefined;
  const table = await openVersion(database, entry);
  try {
    if (!(await hasMisplacedRows(table, metric, partitions))) return undefined;
  } finally {
    table.close();
  }
  return misplacedRows(bucket);
}

async function hasMisplacedRows(table: Table, metric: Metric, partitions: Partitions): Promise<boolean> {
  const { firstRows } = partitions;
  const total = firstRows.at(-1)!;
  const all = Array.from({ length: Math.min(SAMPLE_ROWS, total) }, (_, i) => Math.floor((i * total) / SAMPLE_ROWS));
  if ((await shareMisplaced(table, metric, partitions, all)) > MISPLACED.ofTable) return true;
  const large = findLargePartition(firstRows, SUSPICIOUS.times, SUSPICIOUS.share);
  if (!large) return false;
  if ((await shareMisplaced(table, metric, partitions, offsetsIn(firstRows, large))) > MISPLACED.ofLargest) return true;
  return hasSpoiltCentroids(table, partitions, large, all);
}

/**
 * Returns whether an outlier spoilt the training of the centroids: one centroid is far from all others, and the largest partition is as
 * wide as the table.
 */
async function hasSpoiltCentroids(
  table: Table,
  { centroids, firstRows }: Partitions,
  large: LargePartition,
  offsets: readonly number[],
): Promise<boolean> {
  const { dimension } = centroids;
  const centre = commonCentre(centroids);
  const fromCentre = distances(centroids.vectors, centre);
  if (Math.max(...fromCentre) <= FAR * quantile(fromCentre, 0.5)) return false;
  const own = centroids.vectors.subarray(large.partition * dimension, (large.partition + 1) * dimension);
  const inLarge = distances((await readRows(table, offsetsIn(firstRows, large), dimension)).vectors, own);
  const inTable = distances((await readRows(table, offsets, dimension)).vectors, centre);
  const ratio = quantile(inLarge, 0.5) / quantile(inTable, 0.75);
  return ratio > AS_WIDE.min && ratio < AS_WIDE.max;
}

/** Computes the distance of each row from a centre. @param rows [rows, D] */
function distances(rows: Float32Array, centre: Float32Array): Float64Array {
  return Float64Array.from({ length: rows.length / centre.length }, (_, i) =>
    distance(rows, i * centre.length, centre),
  );
}

/** Returns the share of rows whose partition is not among the nearest. */
async function shareMisplaced(
  table: Table,
  metric: Metric,
  { centroids, firstRows }: Partitions,
  offsets: readonly number[],
): Promise<number> {
  const { vectors, rows } = await readRows(table, offsets, centroids.dimension);
  const count = Math.min(centroids.count, Math.max(NEAREST_COUNT, Math.floor(NEAREST_SHARE * centroids.count)));
  // Rows were assigned to the nearest centroid by l2 for dot, too.
  const nearestBy = metric === 'cosine' ? 'cosine' : 'l2';
  const { partitions: ranked } = await rankPartitions({ count: rows, vectors }, { centroids }, nearestBy, count);
  const misplaced = offsets.filter((offset, row) => {
    const own = partitionOf(offset, firstRows);
    const nearest = ranked.subarray(row * count, (row + 1) * count);
    if (nearest.includes(own)) return false;
    const vector = vectors.subarray(row * centroids.dimension, (row + 1) * centroids.dimension);
    const distance = (partition: number) => squaredDistance(vector, centroids, partition, metric === 'cosine');
    const square = metric === 'cosine' ? 1 : lengthOf(vector) ** 2;
    const slack = CODE_ERROR.ofDistance * distance(nearest.at(-1)!) + CODE_ERROR.ofLength * square;
    return distance(own) > distance(nearest.at(-1)!) + slack;
  });
  return misplaced.length / rows;
}

/** Computes the squared distance of a row from a centroid. @param unit scales the row to unit length first */
function squaredDistance(row: Float32Array, { vectors }: Centroids, partition: number, unit: boolean): number {
  const scale = unit ? 1 / lengthOf(row) : 1;
  const start = partition * row.length;
  return row.reduce((sum, x, i) => sum + (x * scale - vectors[start + i]!) ** 2, 0);
}

/** Returns the positions of rows evenly spread over a partition. */
function offsetsIn(firstRows: Float64Array, { partition, rows }: LargePartition): number[] {
  const count = Math.min(SAMPLE_ROWS, rows);
  return Array.from({ length: count }, (_, i) => firstRows[partition]! + Math.floor((i * rows) / count));
}

async function readRows(table: Table, offsets: readonly number[], dimension: number) {
  const found = await table
    .takeOffsets([...offsets])
    .select(['embedding'])
    .toArrow();
  const vectors = new Float32Array(offsets.length * dimension);
  // Copied by component, because toArray() of a float16 vector returns its raw words.
  for (const [row, { embedding }] of [...found].entries()) vectors.set(Float32Array.from(embedding), row * dimension);
  return { vectors, rows: offsets.length };
}
