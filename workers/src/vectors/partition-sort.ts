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
