/** Returns the partition of a row. @param firstRows the first row of each partition, then the row count */
export function partitionOf(row: number, firstRows: Float64Array): number {
  let low = 0;
  let high = firstRows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (firstRows[middle]! <= row) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
