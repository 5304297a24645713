import type { Metric } from '../vectors/metric.ts';

/**
 * RaBitQ codes of one bit per component, as LanceDB's IVF_RQ index stores them: the signs of a row's residual (row minus
 * centroid) after a random rotation, and two factors for estimating distances from them. Formulas: Gao and Long, "RaBitQ"
 * (SIGMOD 2024), in the form of lance-index's bq/transform.rs. Lance has two forms of the factors. These have the older one,
 * `residual_query`: clients before 0.34 read the newer one, `raw_query`, as if it were the older one (docs/adr/0019).
 */

/** Codes and factors of rows. */
export interface RabitCodes {
  /** [rows, D / 8]; component i of a row is bit i % 8 of byte i / 8. */
  codes: Uint8Array;
  /** [rows]; the term of a distance that depends on the row alone. */
  add: Float32Array;
  /** [rows]; the factor of the product of the code's signs and the rotated residual of a query, divided by sqrt(D). */
  scale: Float32Array;
}

/** Allocates codes and factors of `rows` rows. */
export function allocateCodes(rows: number, dimension: number): RabitCodes {
  const factors = () => new Float32Array(rows);
  return { codes: new Uint8Array((rows * dimension) / 8), add: factors(), scale: factors() };
}

/** The byte that encodes 0 in residuals. */
export const RESIDUAL_ZERO = 128;

/**
 * Quantizes the residuals of rows of one partition to bytes, each row scaled to use their range: precise enough for the signs after
 * a rotation (docs/adr/0011).
 * @param vectors [rows, D]
 * @param centroid [D]; of unit length if `toUnit`
 * @param toUnit whether rows are scaled to unit length first, as cosine distance needs
 * @param residuals [rows, D], filled; RESIDUAL_ZERO encodes 0
 * @param squares [rows], filled: the residuals' squared lengths
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
    // The sum is positive, so truncation rounds.
    for (let i = 0; i < dimension; i++) residuals[base + i] = (residual[i]! * steps + (RESIDUAL_ZERO + 0.5)) | 0;
  }
}

/**
 * Encodes rows x of one partition. With the centroid c, r = x - c and the code's estimate s of r, LanceDB adds the distance of the
 * query q from c to a rest that it computes from codes and factors: |x - q|^2 = |q - c|^2 + |r|^2 - 2 s.(q - c), and under dot
 * 1 - x.q = -c.q + (1 - s.c) - s.(q - c). With s.c, rather than r.c, the error is proportional to the length of q, which may be
 * much less than that of q - c.
 * @param rotated [rows, D], rotated residuals, each row with its own scale
 * @param squares [rows], the residuals' squared lengths
 * @param centroid [D], rotated
 * @param into filled from row `at` on
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
        // Without branches: the signs are random, so a processor would mispredict half of them.
        const negative = component >>> 31;
        value |= (1 - negative) << bit;
        signed += (1 - 2 * negative) * centroid[8 * byte + bit]!;
        absolute += Math.abs(component);
        length += component * component;
      }
      into.codes[code + byte] = value;
    }
    const square = squares[row]!;
    // The rotation keeps lengths, so the ratio is the row's scale.
    const product = length > 0 ? absolute * Math.sqrt(square / length) : 0;
    into.add[at + row] = isDot ? 1 - ratio(square * signed, product) : square;
    into.scale[at + row] = (isDot ? -1 : -2) * Math.sqrt(dimension) * ratio(square, product);
  }
}

function ratio(numerator: number, denominator: number): number {
  return denominator === 0 ? 0 : numerator / denominator;
}
