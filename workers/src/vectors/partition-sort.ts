/**
 * Sorts rows by partition (stable counting sort).
 * @param partitions the partition of each row
 * @returns `order`: positions of the rows, by partition; `counts`: rows of each partition
 */
export function sortByPartition(
  partitions: Int32Array,
  partitionCount: number,
): { order: Int32Array; counts: Uint32Array } {
  const counts = new Uint32Array(partitionCount);
  for (const partition of partitions) counts[partition]!++;
  const next = new Uint32Array(partitionCount);
  for (let partition = 1; partition < partitionCount; partition++)
    next[partition] = next[partition - 1]! + counts[partition - 1]!;
  const order = new Int32Array(partitions.length);
  for (let row = 0; row < partitions.length; row++) order[next[partitions[row]!]!++] = row;
  return { order, counts };
}

/**
 * Cuts partitions into consecutive windows of at most `windowRows` rows, for a merge that holds one window in memory.
 * A larger partition forms its own window.
 * @returns [first partition, end partition)
 */
export function partitionWindows(partitionRows: ArrayLike<number>, windowRows: number): Array<[number, number]> {
  const windows: Array<[number, number]> = [];
  let first = 0;
  let rows = 0;
  for (let partition = 0; partition < partitionRows.length; partition++) {
    const own = partitionRows[partition]!;
    if (partition > first && rows + own > windowRows) {
      windows.push([first, partition]);
      first = partition;
      rows = 0;
    }
    rows += own;
  }
  if (first < partitionRows.length) windows.push([first, partitionRows.length]);
  return windows;
}
