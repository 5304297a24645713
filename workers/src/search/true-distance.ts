import type { Metric } from '../vectors/metric.ts';

/** 1 - cosine of vectors of one direction is about 1e-16 instead of 0: rounding, which must not order them. */
const SAME_DIRECTION = 1e-12;

/**
 * Computes the distance of a query and a row from sums in double precision, rounded to float32. The order of the sums is fixed
 * (search/engine/filters/kernels.ts), so the bits are the same on every machine. Never below zero for `cosine` and `l2`.
 * @param sum their inner product; of squared differences for `l2` @param squares the product of their squared lengths (`cosine`)
 */
export function distanceOf(metric: Metric, sum: number, squares: number): number {
  if (metric === 'l2') return Math.fround(sum);
  if (metric === 'dot') return Math.fround(1 - sum);
  const distance = 1 - sum / Math.sqrt(squares);
  return distance < SAME_DIRECTION ? 0 : Math.fround(distance);
}
