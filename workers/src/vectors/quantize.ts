/** A matrix [dimension, count] of 8-bit numbers with a scale for each column. */
export interface QuantizedColumns {
  codes: Uint8Array;
  scales: Float32Array;
}

/** 7 bits and a sign bit less: products with unsigned bytes then cannot overflow 16 bits on processors without VNNI. */
export const LARGEST_CODE = 63;

/** Quantizes rows [count, dimension] and turns them into columns. */
export function quantizeColumns(rows: Float32Array, dimension: number): QuantizedColumns {
  const count = rows.length / dimension;
  const codes = new Int8Array(rows.length);
  const scales = new Float32Array(count);
  for (let row = 0; row < count; row++) {
    let largest = 0;
    for (let i = row * dimension; i < (row + 1) * dimension; i++) largest = Math.max(largest, Math.abs(rows[i]!));
    const scale = largest === 0 ? 1 : largest / LARGEST_CODE;
    scales[row] = scale;
    for (let i = 0; i < dimension; i++) codes[i * count + row] = Math.round(rows[row * dimension + i]! / scale);
  }
  return { codes: new Uint8Array(codes.buffer), scales };
}
