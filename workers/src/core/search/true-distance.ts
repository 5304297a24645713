import type { Metric } from '../metric.ts';

/** Half the distance between 1 and the next float32. */
const UNIT_ROUNDOFF = 2 ** -24;
/** 1 - cosine of vectors of one direction is about 1e-16 instead of 0: noise that would order them. */
const SAME_DIRECTION = 1e-12;

/**
 * The distance of a query and a row, computed in double precision in one fixed order and rounded to float32: the same bits
 * on every machine, whatever else is computed beside it. Never below zero for `cosine` and `l2`.
 * @param queries, rows their vectors begin at `from` and `at` @param querySquare the query's squared length
 */
export function trueDistance(
  metric: Metric,
  dimension: number,
  queries: Float32Array,
  from: number,
  querySquare: number,
  rows: Float32Array,
  at: number,
): number {
  let sum = 0;
  if (metric === 'l2') {
    for (let i = 0; i < dimension; i++) {
      const difference = queries[from + i]! - rows[at + i]!;
      sum += difference * difference;
    }
    return Math.fround(sum);
  }
  if (metric === 'dot') {
    for (let i = 0; i < dimension; i++) sum += queries[from + i]! * rows[at + i]!;
    return Math.fround(1 - sum);
  }
  let rowSquare = 0;
  for (let i = 0; i < dimension; i++) {
    const component = rows[at + i]!;
    sum += queries[from + i]! * component;
    rowSquare += component * component;
  }
  const distance = 1 - sum / Math.sqrt(querySquare * rowSquare);
  return distance < SAME_DIRECTION ? 0 : Math.fround(distance);
}

/** Squared length of the vector at `from`. */
export function squaredLength(vectors: Float32Array, from: number, dimension: number): number {
  let sum = 0;
  for (let i = from; i < from + dimension; i++) sum += vectors[i]! * vectors[i]!;
  return sum;
}

/**
 * How far a distance from a float32 matrix product can be from the true one. The errors of a sum's terms partly cancel,
 * hence the root; the factor is several times what was ever measured.
 * @param querySquare, rowSquare squared lengths, of the longest row; those of cosine are 1
 */
export function productError(metric: Metric, dimension: number, querySquare: number, rowSquare: number): number {
  const error = UNIT_ROUNDOFF * (16 + 4 * Math.sqrt(dimension));
  if (metric === 'cosine') return error;
  const product = Math.sqrt(querySquare * rowSquare);
  return error * (metric === 'dot' ? 1 + product : querySquare + rowSquare + 2 * product);
}
