import type { Metric } from '../metric.ts';

/**
 * RaBitQ codes of one bit a component, as LanceDB's IVF_RQ index stores them: the signs of a row's residual (row minus
 * centroid) after a random rotation, and three factors for estimating distances from them. Formulas: Gao and Long,
 * "RaBitQ" (SIGMOD 2024), in the form of lance-index's bq/transform.rs.
 */

/** Standard deviations that the error bound spans. */
const ERROR_EPSILON = 1.9;

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
 * Encodes rows x of one partition. With c the centroid and r = x - c, LanceDB adds what the codes say of r.q to the distance
 * of the query q and c: |x - q|^2 = |q - c|^2 + |r|^2 + 2 r.c - 2 r.q, and under dot 1 - x.q = (1 - c.q) - r.q.
 * @param rotated [rows, D], rotated residuals, each row in a scale of its own
 * @param squares [rows], the residuals' squared lengths
 * @param centroid [D], rotated
 * @param into where to put them, from row `at` on
 */
export function encodeRows(
  rotated: Int32Array,
  squares: Float64Array,
  centroid: Float32Array,
  metric: Metric,
  into: RabitCodes,
  at: number,
): void {
  const isDot = metric === 'dot';
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
    const times = isDot ? 1 : 2;
    into.add[at + row] = isDot ? 0 : square + ratio(square * signed, product);
    into.scale[at + row] = -times * ratio(square, product);
    into.error[at + row] = times * errorBound(square, product, dimension);
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
