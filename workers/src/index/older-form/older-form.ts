/**
 * Converts the factors of rows of one partition from Lance's newer form, `raw_query`, to the older one, `residual_query`
 * (docs/adr/0019). The newer form multiplies the code s of a row by the query q, the older one by q - c with the centroid c:
 * add + scale s.q = (add + scale s.c) + scale s.(q - c).
 * @param codes [rows, D / 8], row by row
 * @param centroid [D], rotated
 * @param add [rows], replaced
 * @param scale [rows], replaced
 */
export function toOlderForm(codes: Uint8Array, centroid: Float32Array, add: Float32Array, scale: Float32Array): void {
  const dimension = centroid.length;
  const codeBytes = dimension / 8;
  const sums = sumsOfBits(centroid);
  const half = centroid.reduce((sum, value) => sum + value, 0) / 2;
  // A sign means +-1 / sqrt(D) in the older form, and +-1/2 in the newer one.
  const unit = Math.sqrt(dimension) / 2;
  for (let row = 0; row < add.length; row++) {
    let product = -half;
    for (let byte = 0; byte < codeBytes; byte++) product += sums[256 * byte + codes[row * codeBytes + byte]!]!;
    add[row] = add[row]! + scale[row]! * product;
    scale[row] = scale[row]! * unit;
  }
}

/** Returns, for each byte of a code and each value of it, the sum of the components whose bits are set: [D / 8, 256]. */
function sumsOfBits(values: Float32Array): Float64Array {
  const sums = new Float64Array(32 * values.length);
  for (let byte = 0; byte < values.length / 8; byte++)
    for (let value = 1; value < 256; value++) {
      const lowest = 31 - Math.clz32(value & -value);
      sums[256 * byte + value] = sums[256 * byte + (value & (value - 1))]! + values[8 * byte + lowest]!;
    }
  return sums;
}
