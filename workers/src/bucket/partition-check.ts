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
import { rankPartitions } from './rank-partitions.ts';
import { findLargePartition, type LargePartition } from './uneven-partitions.ts';

/** A build tells of a partition with so many times the rows of the median, and such a share of all. */
const WORTH_TELLING = { times: 8, share: 0.02 };
/** A table that an earlier version built is looked at more closely from here on. */
const SUSPICIOUS = { times: 4, share: 0.005 };
/** Rows of the table, and of its largest partition, that are looked at. */
const SAMPLE_ROWS = 256;
/** A row is misplaced where its partition is not among this share of the nearest, and not among the first few. */
const NEAREST_SHARE = 0.05;
const NEAREST_COUNT = 5;
/** What codes of 8 bits cannot tell apart: of the squared distance, and of the row's squared length. */
const NEARLY_AS_NEAR = { ofDistance: 0.05, ofLength: 1e-3 };
/** Shares of misplaced rows that no rounding of rows between two centroids explains. */
const MISPLACED = { ofTable: 0.04, ofLargest: 0.5 };
/** Times the median distance from the common centre: a centroid that a row of usual length has not. */
const FAR = 8;
/** Median distance in the largest partition over the upper quartile in the table: rows that no centroid tells apart. */
const AS_WIDE = { least: 0.5, most: 2 };

/**
 * Says what is odd about the largest partition of a new table.
 * @param folder the table's
 * @returns undefined where nothing is, or its rows are copies of few
 */
export async function describeUneven(
  folder: string,
  name: string,
  { dimension }: Centroids,
  partitionRows: Float64Array,
): Promise<string | undefined> {
  const firstRows = Float64Array.of(0, ...partitionRows);
  for (let i = 1; i < firstRows.length; i++) firstRows[i]! += firstRows[i - 1]!;
  const large = findLargePartition(firstRows, WORTH_TELLING.times, WORTH_TELLING.share);
  if (!large) return undefined;
  const table = await openTable(folder, name);
  const { vectors, rows } = await readRows(table, offsetsIn(firstRows, large), dimension).finally(() => table.close());
  if (distinctVectors(vectors, dimension).count <= rows / 2) return undefined;
  return (
    `the largest partition has ${large.rows} of ${firstRows.at(-1)} rows, the median ${large.median}. ` +
    'Its rows are nearly alike, or very short beside others, so searches that probe it read more'
  );
}

/**
 * Recognizes a table that an earlier version ordered, in which rows beside a much longer one went to a wrong partition (ADR 17).
 * @returns what to tell; undefined where its rows are where they belong
 */
export async function findMisplacedRows(database: Database, entry: CatalogEntry): Promise<string | undefined> {
  const { bucket, partitions: order, metric } = entry;
  if (!order || (order.assigner ?? 1) >= FIRST_SOUND_ASSIGNER) return undefined;
  const partitions = await readPartitions(database, order, entry).catch((error: unknown) => {
    // The search that needs the file tells of it, and verify does.
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
  return (
    `${bucket}: an earlier version put rows beside much longer ones into wrong partitions, so scan and ann miss neighbours; ` +
    `exact does not. Remove _catalog/${bucket}.json there and build it again`
  );
}

async function hasMisplacedRows(table: Table, metric: Metric, partitions: Partitions): Promise<boolean> {
  const { firstRows } = partitions;
  const total = firstRows.at(-1)!;
  const all = Array.from({ length: Math.min(SAMPLE_ROWS, total) }, (_, i) => Math.floor((i * total) / SAMPLE_ROWS));
  if ((await shareMisplaced(table, metric, partitions, all)) > MISPLACED.ofTable) return true;
  const large = findLargePartition(firstRows, SUSPICIOUS.times, SUSPICIOUS.share);
  if (!large) return false;
  if ((await shareMisplaced(table, metric, partitions, offsetsIn(firstRows, large))) > MISPLACED.ofLargest) return true;
  return isOfFewCentroids(table, partitions, large, all);
}

/**
 * Whether centroids themselves were trained beside a far row: one is far from all others, and the largest partition spreads
 * as wide as the table.
 */
async function isOfFewCentroids(
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
  return ratio > AS_WIDE.least && ratio < AS_WIDE.most;
}

/** @param rows [rows, D] */
function distances(rows: Float32Array, centre: Float32Array): Float64Array {
  return Float64Array.from({ length: rows.length / centre.length }, (_, i) =>
    distance(rows, i * centre.length, centre),
  );
}

/** Share of rows whose own partition is not among the nearest. */
async function shareMisplaced(
  table: Table,
  metric: Metric,
  { centroids, firstRows }: Partitions,
  offsets: readonly number[],
): Promise<number> {
  const { vectors, rows } = await readRows(table, offsets, centroids.dimension);
  const count = Math.min(centroids.count, Math.max(NEAREST_COUNT, Math.floor(NEAREST_SHARE * centroids.count)));
  // Then rows were put to the nearest centroid under dot, too.
  const nearestBy = metric === 'cosine' ? 'cosine' : 'l2';
  const { partitions: ranked } = await rankPartitions({ count: rows, vectors }, { centroids }, nearestBy, count);
  const misplaced = offsets.filter((offset, row) => {
    const own = partitionOf(offset, firstRows);
    const nearest = ranked.subarray(row * count, (row + 1) * count);
    if (nearest.includes(own)) return false;
    const vector = vectors.subarray(row * centroids.dimension, (row + 1) * centroids.dimension);
    const distance = (partition: number) => squaredDistance(vector, centroids, partition, metric === 'cosine');
    const square = metric === 'cosine' ? 1 : lengthOf(vector) ** 2;
    const slack = NEARLY_AS_NEAR.ofDistance * distance(nearest.at(-1)!) + NEARLY_AS_NEAR.ofLength * square;
    return distance(own) > distance(nearest.at(-1)!) + slack;
  });
  return misplaced.length / rows;
}

/** @param unit whether the row is scaled to unit length first */
function squaredDistance(row: Float32Array, { vectors }: Centroids, partition: number, unit: boolean): number {
  const scale = unit ? 1 / lengthOf(row) : 1;
  const start = partition * row.length;
  return row.reduce((sum, x, i) => sum + (x * scale - vectors[start + i]!) ** 2, 0);
}

/** Rows evenly spread over a partition. */
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
  // Component by component: toArray() of a float16 vector gives its raw words.
  for (const [row, { embedding }] of [...found].entries()) vectors.set(Float32Array.from(embedding), row * dimension);
  return { vectors, rows: offsets.length };
}
