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
  if (metric === 'l2') return Math.fround(squaredDifference(dimension, queries, from, rows, at));
  const product = innerProduct(dimension, queries, from, rows, at);
  if (metric === 'dot') return Math.fround(1 - product);
  const distance = 1 - product / Math.sqrt(querySquare * squaredLength(rows, at, dimension));
  return distance < SAME_DIRECTION ? 0 : Math.fround(distance);
}

// Four sums side by side: one alone would wait for each addition. The order is fixed all the same.

function innerProduct(dimension: number, a: Float32Array, from: number, b: Float32Array, at: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const even = dimension & ~3;
  for (let i = 0; i < even; i += 4) {
    s0 += a[from + i]! * b[at + i]!;
    s1 += a[from + i + 1]! * b[at + i + 1]!;
    s2 += a[from + i + 2]! * b[at + i + 2]!;
    s3 += a[from + i + 3]! * b[at + i + 3]!;
  }
  for (let i = even; i < dimension; i++) s0 += a[from + i]! * b[at + i]!;
  return s0 + s1 + (s2 + s3);
}

function squaredDifference(dimension: number, a: Float32Array, from: number, b: Float32Array, at: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const even = dimension & ~3;
  for (let i = 0; i < even; i += 4) {
    const d0 = a[from + i]! - b[at + i]!;
    const d1 = a[from + i + 1]! - b[at + i + 1]!;
    const d2 = a[from + i + 2]! - b[at + i + 2]!;
    const d3 = a[from + i + 3]! - b[at + i + 3]!;
    s0 += d0 * d0;
    s1 += d1 * d1;
    s2 += d2 * d2;
    s3 += d3 * d3;
  }
  for (let i = even; i < dimension; i++) s0 += (a[from + i]! - b[at + i]!) ** 2;
  return s0 + s1 + (s2 + s3);
}

/** Squared length of the vector at `from`. */
export function squaredLength(vectors: Float32Array, from: number, dimension: number): number {
  return innerProduct(dimension, vectors, from, vectors, from);
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
