import type { OpenBucket } from '../../bucket/open-bucket.ts';
import { rankPartitions } from '../../bucket/rank-partitions.ts';

/** Returns whether the row counts of the index's partitions are known: they are those of the table's order. */
export function hasPartitionRows({ entry }: OpenBucket): boolean {
  return entry.index.centroids === 'order' && entry.partitions !== undefined;
}

/**
 * Returns for each query how many of its nearest partitions must be probed to find min(k, rows) rows.
 * @param bucket for which `hasPartitionRows` @param vectors [queries, D]
 * @param nprobes of the request: the fewest
 */
export async function probesForRows(
  bucket: OpenBucket,
  vectors: Float32Array,
  { k, rows, nprobes }: { k: number; rows: number; nprobes: number },
): Promise<Int32Array> {
  const partitions = await bucket.partitions();
  const { dimension, metric } = bucket.entry;
  const { count } = partitions.centroids;
  const queries = { count: vectors.length / dimension, vectors };
  const firstRows = bucket.deleted?.withoutDeleted(partitions.firstRows) ?? partitions.firstRows;
  const ranked = (await rankPartitions(queries, partitions, metric, count)).partitions;
  return Int32Array.from({ length: queries.count }, (_, query) =>
    countProbes(ranked.subarray(query * count, (query + 1) * count), firstRows, Math.min(k, rows), nprobes),
  );
}

/**
 * Counts the partitions, nearest first, that have `rows` rows together.
 * @param ranked all partitions, nearest first @param firstRows of each partition, and the end
 */
export function countProbes(ranked: Int32Array, firstRows: Float64Array, rows: number, least: number): number {
  let probed = 0;
  for (let found = 0; probed < ranked.length && (probed < least || found < rows); probed++)
    found += firstRows[ranked[probed]! + 1]! - firstRows[ranked[probed]!]!;
  return probed;
}
