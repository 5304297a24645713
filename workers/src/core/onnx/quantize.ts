/** A matrix as signed 8-bit integers: value[row, column] is about bytes[column * rows + row] * scales[row]. */
export interface QuantizedMatrix {
  /** [columns, rows]: transposed, as the product with activations takes it. */
  bytes: Int8Array;
  /** One for each row, so that a row of small weights keeps its precision. */
  scales: Float32Array;
}

/** Rounds a matrix to 8 bits, symmetrically about 0. @param values [rows, columns] */
export function quantizeMatrix(values: ArrayLike<number>, rows: number, columns: number): QuantizedMatrix {
  const bytes = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let largest = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) largest = Math.max(largest, Math.abs(values[i]!));
    scales[row] = largest / 127;
    const perStep = largest === 0 ? 0 : 127 / largest;
    for (let column = 0; column < columns; column++)
      bytes[column * rows + row] = Math.round(values[row * columns + column]! * perStep);
  }
  return { bytes, scales };
}
