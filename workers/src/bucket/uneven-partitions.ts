import { quantile } from '../vectors/centre.ts';

/** The largest partition of a table, if it is far larger than the others. */
export interface LargePartition {
  partition: number;
  rows: number;
  /** Median row count of the partitions. */
  median: number;
}

/**
 * Finds the largest partition if it has more than `times` the median row count, and more than `share` of all rows.
 * @param firstRows first row of each partition, then the row count of the table
 */
export function findLargePartition(firstRows: Float64Array, times: number, share: number): LargePartition | undefined {
  const rows = firstRows.subarray(1).map((end, partition) => end - firstRows[partition]!);
  const largestRows = rows.reduce((largest, count) => Math.max(largest, count), 0);
  const median = quantile(rows, 0.5);
  if (largestRows <= times * Math.max(1, median) || largestRows <= share * firstRows.at(-1)!) return undefined;
  return { partition: rows.indexOf(largestRows), rows: largestRows, median };
}
