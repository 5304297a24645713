/**
 * RaBitQ codes of one bit a component, as LanceDB's IVF_RQ index stores them: the signs of a row's residual (row minus
 * centroid) after a random rotation, and three factors for estimating distances from them. Formulas: Gao and Long,
 * "RaBitQ" (SIGMOD 2024), in the form of lance-index's bq/transform.rs.
 */

const ROUNDS = 4;
/** Standard deviations that the error bound spans. */
const ERROR_EPSILON = 1.9;
/** Rows whose codes are interleaved, for look-ups of 16 at a time. */
const PACK_ROWS = 32;
const PACK_ORDER = [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15];

/** Bytes of the random signs that define a rotation of D components. */
export function rotationSignBytes(dimension: number): number {
  return ROUNDS * Math.ceil(dimension / 8);
}

/**
 * The rotation as a matrix: `rotated = row * matrix`. Four rounds of sign changes, Walsh-Hadamard transforms of the
 * largest power of two at the head and tail in turn, and sums and differences of the two halves.
 * @param signs bits, `rotationSignBytes(D)` bytes
 * @returns [D, D]
 */
export function rotationMatrix(signs: Uint8Array, dimension: number): Float32Array {
  const matrix = new Float32Array(dimension * dimension);
  for (let i = 0; i < dimension; i++) {
    const row = matrix.subarray(i * dimension, (i + 1) * dimension);
    row[i] = 1;
    rotate(row, signs);
  }
  return matrix;
}

/** Rotates one row in place. */
export function rotate(row: Float32Array, signs: Uint8Array): void {
  const dimension = row.length;
  const signBytes = Math.ceil(dimension / 8);
  const window = 2 ** Math.floor(Math.log2(dimension));
  const isPower = window === dimension;
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < dimension; i++) if ((signs[round * signBytes + (i >> 3)]! >> (i & 7)) & 1) row[i] = -row[i]!;
    hadamard(round % 2 === 0 || isPower ? row.subarray(0, window) : row.subarray(dimension - window));
    if (!isPower) butterfly(row, Math.floor(dimension / 2));
  }
  if (!isPower) for (let i = 0; i < dimension; i++) row[i]! *= 0.25;
}

/** The orthonormal Walsh-Hadamard transform. */
function hadamard(values: Float32Array): void {
  for (let half = 1; half < values.length; half *= 2)
    for (let start = 0; start < values.length; start += 2 * half) butterfly(values.subarray(start), half);
  const scale = 1 / Math.sqrt(values.length);
  for (let i = 0; i < values.length; i++) values[i]! *= scale;
}

function butterfly(values: Float32Array, half: number): void {
  for (let i = 0; i < half; i++) {
    const x = values[i]!;
    const y = values[i + half]!;
    values[i] = x + y;
    values[i + half] = x - y;
  }
}

/** Codes and factors of rows, row by row. */
export interface RabitCodes {
  /** [rows, D / 8]; component i of a row is bit i % 8 of byte i / 8. */
  codes: Uint8Array;
  add: Float32Array;
  scale: Float32Array;
  error: Float32Array;
}

/** Room for the codes of `rows` rows. */
export function allocateCodes(rows: number, dimension: number): RabitCodes {
  const factors = () => new Float32Array(rows);
  return { codes: new Uint8Array((rows * dimension) / 8), add: factors(), scale: factors(), error: factors() };
}

/** Residuals are products' left side as bytes of this zero point. */
export const RESIDUAL_ZERO = 128;
/** Largest entry of the rotation in 8 bits: with one bit less, no processor's 16-bit sums of two products overflow. */
const MATRIX_LIMIT = 63;

/** The rotation matrix in small integers, all scaled by the same number. @returns [D, D] */
export function quantizeMatrix(matrix: Float32Array): Int8Array {
  const largest = matrix.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return Int8Array.from(matrix, (x) => Math.round((x / largest) * MATRIX_LIMIT));
}

/**
 * The residuals of rows of one partition, as bytes, each row scaled to use their range: for signs after a rotation this is
 * precise enough (docs/adr/0011).
 * @param vectors [rows, D]
 * @param centroid [D]; of unit length where `toUnit`
 * @param toUnit whether rows are scaled to unit length first, as cosine needs it
 * @param residuals [rows, D], zero at RESIDUAL_ZERO
 * @param squares [rows], the residuals' squared lengths
 */
export function quantizeResiduals(
  vectors: Float32Array,
  centroid: Float32Array,
  toUnit: boolean,
  residuals: Uint8Array,
  squares: Float64Array,
): void {
  const dimension = centroid.length;
  const residual = new Float32Array(dimension);
  for (let row = 0; row < squares.length; row++) {
    const base = row * dimension;
    let scale = 1;
    if (toUnit) {
      let length = 0;
      for (let i = 0; i < dimension; i++) length += vectors[base + i]! * vectors[base + i]!;
      scale = 1 / Math.sqrt(length);
    }
    let square = 0;
    let largest = 0;
    for (let i = 0; i < dimension; i++) {
      const value = vectors[base + i]! * scale - centroid[i]!;
      residual[i] = value;
      square += value * value;
      largest = Math.max(largest, Math.abs(value));
    }
    squares[row] = square;
    const steps = largest > 0 ? 127 / largest : 0;
    // Positive, so that cutting off rounds.
    for (let i = 0; i < dimension; i++) residuals[base + i] = (residual[i]! * steps + (RESIDUAL_ZERO + 0.5)) | 0;
  }
}

/**
 * Encodes rows of one partition for squared Euclidean distances.
 * @param rotated [rows, D], rotated residuals, each row in a scale of its own
 * @param squares [rows], the residuals' squared lengths
 * @param centroid [D], rotated
 * @param into where to put them, from row `at` on
 */
export function encodeRows(
  rotated: Int32Array,
  squares: Float64Array,
  centroid: Float32Array,
  into: RabitCodes,
  at: number,
): void {
  const dimension = centroid.length;
  for (let row = 0; row < squares.length; row++) {
    const base = row * dimension;
    const code = ((at + row) * dimension) / 8;
    let absolute = 0;
    let length = 0;
    let signed = 0;
    for (let byte = 0; byte < dimension / 8; byte++) {
      let value = 0;
      for (let bit = 0; bit < 8; bit++) {
        const component = rotated[base + 8 * byte + bit]!;
        // Without branches: the signs are random, and a processor guesses them wrong half of the time.
        const negative = component >>> 31;
        value |= (1 - negative) << bit;
        signed += (1 - 2 * negative) * centroid[8 * byte + bit]!;
        absolute += Math.abs(component);
        length += component * component;
      }
      into.codes[code + byte] = value;
    }
    const square = squares[row]!;
    // The rotation keeps lengths: that gives the row's scale.
    const product = length > 0 ? (absolute / 2) * Math.sqrt(square / length) : 0;
    into.add[at + row] = square + ratio(square * signed, product);
    into.scale[at + row] = -2 * ratio(square, product);
    into.error[at + row] = 2 * errorBound(square, product, dimension);
  }
}

function errorBound(square: number, product: number, dimension: number): number {
  if (dimension <= 1 || square <= 0 || product === 0) return 0;
  const alignment = (square * dimension) / 4 / product ** 2;
  return Math.sqrt(square) * ERROR_EPSILON * Math.sqrt(Math.max(0, alignment - 1) / (dimension - 1));
}

function ratio(numerator: number, denominator: number): number {
  return denominator === 0 ? 0 : numerator / denominator;
}

/**
 * Packs the codes of consecutive rows, partition by partition, as far as it can be done without the rows that follow: of a
 * partition that goes on, only whole groups.
 * @param codes [rows, codeBytes]
 * @param first the table's row of the first; the beginning of a partition, or of a group within one
 * @param firstRows first row of each partition, and in the end the number of rows
 */
export function packPartitions(
  codes: Uint8Array,
  codeBytes: number,
  first: number,
  firstRows: Float64Array,
): Uint8Array {
  const end = first + codes.length / codeBytes;
  const packed = new Uint8Array(codes.length);
  let row = first;
  let partition = partitionOf(first, firstRows);
  while (row < end) {
    while (firstRows[partition + 1]! <= row) partition++;
    const partitionEnd = firstRows[partition + 1]!;
    const stop = partitionEnd <= end ? partitionEnd : end - ((end - row) % PACK_ROWS);
    const at = (row - first) * codeBytes;
    packed.set(packCodes(codes.subarray(at, (stop - first) * codeBytes), codeBytes), at);
    row = stop;
    if (stop < partitionEnd) break;
  }
  return packed.subarray(0, (row - first) * codeBytes);
}

/** The partition of a row. @param firstRows first row of each partition, and in the end the number of rows */
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

/**
 * Lays the codes of one partition out as LanceDB's search reads them: of 32 rows each, byte by byte, the low halves of
 * rows 0 to 15 with those of 16 to 31, then the high halves; the rows that are left over column by column.
 * @param codes [rows, codeBytes], a partition from its first to its last row
 */
export function packCodes(codes: Uint8Array, codeBytes: number): Uint8Array {
  const rows = codes.length / codeBytes;
  const packedRows = rows - (rows % PACK_ROWS);
  const packed = new Uint8Array(codes.length);
  for (let row = 0; row < packedRows; row += PACK_ROWS)
    for (let column = 0; column < codeBytes; column++) {
      const target = row * codeBytes + column * PACK_ROWS;
      for (let i = 0; i < 16; i++) {
        const source = (row + PACK_ORDER[i]!) * codeBytes + column;
        const low = codes[source]!;
        const high = codes[source + 16 * codeBytes]!;
        packed[target + i] = (low & 15) | ((high & 15) << 4);
        packed[target + i + 16] = (low >> 4) | (high & 0xf0);
      }
    }
  const left = rows - packedRows;
  for (let row = 0; row < left; row++)
    for (let column = 0; column < codeBytes; column++)
      packed[packedRows * codeBytes + column * left + row] = codes[(packedRows + row) * codeBytes + column]!;
  return packed;
}
