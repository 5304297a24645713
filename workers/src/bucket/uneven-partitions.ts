import { quantile } from '../vectors/centre.ts';

/** The largest partition of a table, where it is far larger than the others. */
export interface LargePartition {
  partition: number;
  rows: number;
  /** Median row count of the partitions. */
  median: number;
}

/**
 * Finds the largest partition where it has more than `times` the median row count, and more than `share` of all rows.
 * @param firstRows first row of each partition, then the row count of the table
 */
export function findLargePartition(firstRows: Float64Array, times: number, share: number): LargePartition | undefined {
  const rows = firstRows.subarray(1).map((end, partition) => end - firstRows[partition]!);
  const most = rows.reduce((largest, count) => Math.max(largest, count), 0);
  const median = quantile(rows, 0.5);
  if (most <= times * Math.max(1, median) || most <= share * firstRows.at(-1)!) return undefined;
  return { partition: rows.indexOf(most), rows: most, median };
}
