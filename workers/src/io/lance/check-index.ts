import type { Table } from '@lancedb/lancedb';
import type { IndexDescription } from '../../core/catalog.ts';
import { readPartitionCount } from './index-file.ts';

const SAMPLE_ROWS = 16;
/** Beyond so many rows of one code nothing is learned from a row that is not found. */
const MOST_CANDIDATES = 100_000;

interface IndexCheck {
  rows: number;
  index: IndexDescription;
}

/**
 * Checks a new index against what was asked: its number of partitions, that it covers all rows, and that a sample
 * of stored rows find themselves.
 * @param folder the table's
 * @throws Error where it does not hold: the build cannot be trusted
 */
export async function checkIndex(
  table: Table,
  folder: string,
  bucket: string,
  rows: number,
  index: IndexDescription,
): Promise<void> {
  const [config] = await table.listIndices();
  const stats = config && (await table.indexStats(config.name));
  if (!stats) throw new Error(`${bucket}: LanceDB made no index`);
  if (stats.numIndexedRows !== rows || stats.numUnindexedRows !== 0)
    throw new Error(`${bucket}: the index covers ${stats.numIndexedRows} of ${rows} rows`);

  const step = Math.max(1, Math.floor(rows / SAMPLE_ROWS));
  const offsets = Array.from({ length: Math.min(SAMPLE_ROWS, rows) }, (_, i) => i * step);
  // Vectors are read component by component: toArray() of a float16 vector gives its raw words.
  const sample = await table.takeOffsets(offsets).select(['id', 'embedding']).toArrow();
  const partitions = await readPartitionCount(folder);
  if (partitions !== index.partitions)
    throw new Error(`${bucket}: the index has ${partitions} partitions, ${index.partitions} were asked for`);
  for (const row of sample)
    await requireFound(table, bucket, row.id, Float32Array.from(row.embedding), { rows, index });
}

/**
 * A stored row must be its own nearest, at the distance of a row from itself, when all partitions are probed. Rows that
 * are nearly the same share a code, and only as many as the refine factor says are compared exactly: a row that is not
 * found among them is looked for among more.
 */
async function requireFound(table: Table, bucket: string, id: string, vector: Float32Array, check: IndexCheck) {
  const { metric, partitions } = check.index;
  // The largest inner product need not be a vector's own.
  if (metric === 'dot') return;
  const scale = metric === 'cosine' ? 1 : vector.reduce((sum, x) => sum + x * x, 0);
  for (let candidates = 20; ; candidates *= 16) {
    const [nearest] = await table
      .query()
      .nearestTo(vector)
      .distanceType(metric)
      .nprobes(partitions)
      .refineFactor(candidates)
      .limit(1)
      .select(['id', '_distance'])
      .toArray();
    if (nearest?.id === id || Math.abs(nearest?._distance ?? Number.NaN) <= 1e-5 * scale) return;
    if (candidates >= check.rows)
      throw new Error(`${bucket}: row ${JSON.stringify(id)} is not its own nearest neighbour in the new index`);
    if (candidates >= MOST_CANDIDATES) return;
  }
}
