/** A matrix as signed 8-bit integers: value[row, column] is about bytes[column * rows + row] * scales[row]. */
export interface QuantizedMatrix {
  /** [columns, rows]: transposed, as the product with activations takes it. */
  bytes: Int8Array;
  /** One for each row, so that a row of small weights keeps its precision. */
  scales: Float32Array;
}

/**
 * Names the rule by which `quantizeMatrix` rounds, for the attributes of shards and the keys of caches: another rule gives
 * other vectors, and needs another name. `pairs-128`: no two neighbours of a row add up to more than 128.
 */
export const WEIGHT_ROUNDING = 'pairs-128';

/** Rounding two neighbours may add 1 to their sum, which then is 128. */
const LARGEST_CODE_OF_PAIR = 127;

/**
 * Rounds a matrix to 8 bits, symmetrically about 0.
 *
 * Processors without VNNI add the products of two neighbours, an unsigned byte times a signed one each, in 16 bits, and
 * cut off what does not fit (vpmaddubsw; ONNX Runtime uses it on SSE4.1, AVX2 and AVX-512 for columns 2i and 2i + 1). So a
 * row's scale also keeps the sum of two such neighbours of one sign within 128: 255 * 128 is less than 2^15. With weights
 * of random sign it costs a fraction of a bit, where seven bits for all would cost a whole one.
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

/** The largest absolute value of a row, or sum of two neighbours of one sign. An odd column at the end is alone. */
function largestOfPairs(values: ArrayLike<number>, first: number, columns: number): number {
  const end = first + columns;
  let largest = columns % 2 === 1 ? Math.abs(values[end - 1]!) : 0;
  for (let i = first; i + 1 < end; i += 2) {
    const [a, b] = [values[i]!, values[i + 1]!];
    // Of one sign, |a + b| is larger than each; of different signs, one of them is larger than their sum.
    largest = Math.max(largest, Math.abs(a), Math.abs(b), Math.abs(a + b));
  }
  return largest;
}
