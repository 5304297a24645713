/** A matrix of signed 8-bit integers: value[row, column] is about bytes[column * rows + row] * scales[row]. */
export interface QuantizedMatrix {
  /** [columns, rows]: transposed, as the product with activations needs it. */
  bytes: Int8Array;
  /** One per row, so that rows with small weights keep their precision. */
  scales: Float32Array;
}

/**
 * Name of the rounding rule of `quantizeMatrix`, for the attributes of shards and the keys of caches. A changed rule changes the vectors,
 * so it needs a new name. `pairs-128`: no two neighbours in a row sum to more than 128.
 */
export const WEIGHT_ROUNDING = 'pairs-128';

/** Rounding two neighbours may raise their sum by 1, to 128. */
const LARGEST_CODE_OF_PAIR = 127;

/**
 * Rounds a matrix to 8 bits, symmetrically about 0.
 *
 * Processors without VNNI multiply an unsigned byte by a signed one and add the products of two neighbours in 16 bits with
 * saturation (vpmaddubsw; ONNX Runtime uses it on SSE4.1, AVX2 and AVX-512 for columns 2i and 2i + 1). So the scale of a row also
 * keeps the sum of two such neighbours with the same sign within 128: 255 * 128 is less than 2^15. For weights of random sign this
 * costs a fraction of a bit; seven-bit weights would cost a whole bit.
 * @param values [rows, columns]
 */
export function quantizeMatrix(values: ArrayLike<number>, rows: number, columns: number): QuantizedMatrix {
  const bytes = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const largest = largestOfPairs(values, row * columns, columns);
    scales[row] = largest / LARGEST_CODE_OF_PAIR;
    const perStep = largest === 0 ? 0 : LARGEST_CODE_OF_PAIR / largest;
    for (let column = 0; column < columns; column++)
      bytes[column * rows + row] = Math.round(values[row * columns + column]! * perStep);
  }
  return { bytes, scales };
}

/** Returns the largest absolute value in a row, or of a sum of two neighbours. The last of an odd number of columns has no neighbour. */
function largestOfPairs(values: ArrayLike<number>, first: number, columns: number): number {
  const end = first + columns;
  let largest = columns % 2 === 1 ? Math.abs(values[end - 1]!) : 0;
  for (let i = first; i + 1 < end; i += 2) {
    const [a, b] = [values[i]!, values[i + 1]!];
    // For equal signs |a + b| is the largest, for different signs |a| or |b|.
    largest = Math.max(largest, Math.abs(a), Math.abs(b), Math.abs(a + b));
  }
  return largest;
}
