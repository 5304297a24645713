import type { Table } from '@lancedb/lancedb';
import { DataError } from '../base/errors.ts';
import type { IndexDescription, TableDescription } from '../database/catalog/catalog-entry.ts';
import { readPartitionCount } from '../lance/format/index-file.ts';
import { innerProduct, lengthOf } from '../vectors/kmeans.ts';
import type { Metric } from '../vectors/metric.ts';
import { LENGTH_IN_FLOAT16 } from '../vectors/query-scale.ts';

const SAMPLE_ROWS = 16;
/** With more rows of one code than this, a row that is not found proves nothing. */
const MOST_CANDIDATES = 100_000;

/** Rows of whose neighbours the ones in the index must be as near, and how many of each. */
const COMPARED_ROWS = 1000;
const NEIGHBOURS = 10;
/** Quantization misses some; an index that does not hold the rows finds hardly any. */
const LEAST_SHARE = 0.5;

interface IndexCheck {
  bucket: string;
  rows: number;
  index: IndexDescription;
  /** The table is of float16. */
  isHalf: boolean;
}

interface SampledRow {
  id: string;
  vector: Float32Array;
}

/**
 * Checks a new index against what was asked: its number of partitions, that it covers all rows, and that a sample
 * of stored rows find themselves; under dot and in an ivf-pq index, neighbours as near as those in a sample of rows.
 * @param folder the table's
 * @returns a warning where the index finds little, and no other would find more
 * @throws DataError where an ivf-pq index cannot hold these rows
 * @throws Error where the index is wrong for another reason: the build cannot be trusted
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

  const isCompared = index.metric === 'dot' || index.kind === 'ivf-pq';
  const sampled = Math.min(isCompared ? COMPARED_ROWS : SAMPLE_ROWS, rows);
  const step = Math.max(1, Math.floor(rows / sampled));
  const offsets = Array.from({ length: sampled }, (_, i) => i * step);
  // Vectors are read component by component: toArray() of a float16 vector gives its raw words.
  const sample = await table.takeOffsets(offsets).select(['id', 'embedding']).toArrow();
  const partitions = await readPartitionCount(folder);
  if (partitions !== index.partitions)
    throw new Error(`${bucket}: the index has ${partitions} partitions, ${index.partitions} were asked for`);
  const vectors = Array.from(sample, (row) => ({ id: row.id as string, vector: Float32Array.from(row.embedding) }));
  const check = { bucket, rows, index, isHalf: vectorType === 'float16' };
  // Under dot, a row need not be its own nearest.
  if (index.metric !== 'dot')
    for (const { id, vector } of everyNth(vectors, SAMPLE_ROWS)) await requireFound(table, id, vector, check);
  return isCompared ? compareWithSample(table, vectors, check) : undefined;
}

/**
 * A stored row must be its own nearest, at the distance of a row from itself, when all partitions are probed. Rows that
 * are nearly the same share a code, and only as many as the refine factor says are compared exactly: a row that is not
 * found among them is looked for among more.
 */
async function requireFound(table: Table, id: string, vector: Float32Array, check: IndexCheck) {
  const { metric } = check.index;
  const scale = metric === 'cosine' ? 1 : vector.reduce((sum, x) => sum + x * x, 0);
  for (let candidates = 20; ; candidates *= 16) {
    const [nearest] = await neighbours(table, vector, 1, candidates, check);
    if (nearest?.id === id || Math.abs(nearest?._distance ?? Number.NaN) <= 1e-5 * scale) return;
    if (candidates >= check.rows)
      throw notHeld(`row ${JSON.stringify(id)} is not its own nearest neighbour in it`, check);
    if (candidates >= MOST_CANDIDATES) return;
  }
}

/**
 * What the index finds for a row must be as near as what a sample of rows has for it: the table has all rows of the sample, and
 * more.
 * @returns a warning where it is not, and no other index would do better
 */
async function compareWithSample(table: Table, sample: SampledRow[], check: IndexCheck): Promise<string | undefined> {
  const { metric } = check.index;
  const rowLength = sample.reduce((most, { vector }) => Math.max(most, lengthOf(vector)), 0);
  let [asked, asNear] = [0, 0];
  for (const { vector } of everyNth(sample, SAMPLE_ROWS)) {
    // As long as rows are: searches scale queries under dot that are too short (`queryFactor`), and only the index is looked at here.
    const length = Math.min(rowLength, check.isHalf ? LENGTH_IN_FLOAT16 : rowLength);
    const query = metric === 'dot' ? vector.map((x) => (x * length) / (lengthOf(vector) || 1)) : vector;
    const wanted = Math.min(NEIGHBOURS, sample.length);
    const found = await neighbours(table, query, wanted, NEIGHBOURS, check);
    const distances = sample.map((row) => distanceBetween(metric, query, row.vector)).sort((a, b) => a - b);
    const rounding = 1e-5 * (metric === 'l2' ? innerProduct(query, query) : 1);
    for (const [rank, distance] of distances.slice(0, wanted).entries()) {
      const limit = distance + 1e-3 * Math.abs(distance) + rounding;
      asNear += Number((found[rank]?._distance ?? Number.POSITIVE_INFINITY) <= limit);
    }
    asked += wanted;
  }
  if (asNear >= LEAST_SHARE * asked) return undefined;
  const found = `it finds ${asNear} of ${asked} neighbours that a sample of rows has, or nearer ones`;
  if (check.index.kind === 'ivf-pq') throw notHeld(found, check);
  return (
    `the index holds rows of such different lengths badly: ${found}. ` +
    'Search with --search scan or exact, or normalize the vectors and build with --metric cosine'
  );
}

function neighbours(
  table: Table,
  query: Float32Array,
  count: number,
  refineFactor: number,
  { index }: IndexCheck,
): Promise<{ id: string; _distance: number }[]> {
  return table
    .query()
    .nearestTo(query)
    .distanceType(index.metric)
    .nprobes(index.partitions)
    .refineFactor(refineFactor)
    .limit(count)
    .select(['id', '_distance'])
    .toArray();
}

/** About `count` items of a list, evenly spread. */
function everyNth<T>(list: readonly T[], count: number): T[] {
  return list.filter((_, i) => i % Math.ceil(list.length / count) === 0);
}

/** As LanceDB has it: under l2, the square. */
function distanceBetween(metric: Metric, a: Float32Array, b: Float32Array): number {
  if (metric === 'l2') return a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0);
  const product = innerProduct(a, b);
  return 1 - (metric === 'dot' ? product : product / (lengthOf(a) * lengthOf(b) || 1));
}

/** IVF_PQ computes in the type of the table, and gives all rows the same codebook: rows of odd lengths are more than it can hold. */
function notHeld(found: string, { bucket, index, isHalf }: IndexCheck): Error {
  if (index.kind !== 'ivf-pq') return new Error(`${bucket}: the new index is wrong: ${found}`);
  const type = isHalf ? ', or ingest with --vector-type float32' : '';
  return new DataError(
    `${bucket}: an ivf-pq index cannot hold these rows (they are long, or of very different lengths): ${found}. ` +
      `Use --index ivf-rq${type}.`,
  );
}
