/** Codes of a row are too coarse where its components are fewer steps than this, on average. */
const LEAST_STEPS = 4;
/** What a scale of its own must gain for a row to be worth another product. */
const LEAST_GAIN = 4;
/** Steps to each side of zero, of a code of 8 bits. */
const STEPS = 127;

/**
 * Rows of a tile whose codes are too coarse, in groups whose largest components differ by less than a factor of two.
 * @param tile [rows, D] @param centre [D], taken away from each row @param unit whether rows are scaled to unit length first
 * @param lengths of the rows less the centre @param step of the tile's codes
 */
export function rowsOfScales(
  tile: Float32Array,
  centre: Float32Array,
  unit: boolean,
  lengths: Float32Array,
  step: number,
): Iterable<number[]> {
  const groups = new Map<number, number[]>();
  const dimension = centre.length;
  const least = LEAST_STEPS * step * Math.sqrt(dimension);
  for (let row = 0; row < lengths.length; row++) {
    if (lengths[row]! >= least) continue;
    const most = largestComponent(tile.subarray(row * dimension, (row + 1) * dimension), centre, unit);
    // Rows of zeros are nearest to the centre's neighbour as they are.
    if (!(most > 0) || most * LEAST_GAIN > step * STEPS) continue;
    const scale = Math.floor(Math.log2(most));
    const group = groups.get(scale);
    if (group) group.push(row);
    else groups.set(scale, [row]);
  }
  return groups.values();
}

function largestComponent(row: Float32Array, centre: Float32Array, unit: boolean): number {
  let factor = 1;
  if (unit) {
    let square = 0;
    for (const value of row) square += value * value;
    factor = square > 0 ? 1 / Math.sqrt(square) : 0;
  }
  let most = 0;
  for (let i = 0; i < row.length; i++) most = Math.max(most, Math.abs(row[i]! * factor - centre[i]!));
  return most;
}
