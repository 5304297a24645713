import { distanceOf } from '../../workers/src/search/true-distance.ts';
import type { Metric } from '../../workers/src/vectors/metric.ts';

/** Computes the distance that a search reports by plain loops: sums of every fourth term, added as the kernels do. */
export function trueDistance(metric: Metric, query: Float32Array, row: Float32Array): number {
  const product = (a: Float32Array, b: Float32Array) => sumInFours(a.length, (i) => a[i]! * b[i]!);
  if (metric === 'l2')
    return distanceOf(
      metric,
      sumInFours(query.length, (i) => (query[i]! - row[i]!) ** 2),
      0,
    );
  return distanceOf(metric, product(query, row), product(query, query) * product(row, row));
}

export function sumInFours(length: number, term: (i: number) => number): number {
  const sums = [0, 0, 0, 0];
  const even = length & ~3;
  for (let i = 0; i < even; i++) sums[i & 3]! += term(i);
  for (let i = even; i < length; i++) sums[0]! += term(i);
  return sums[0]! + sums[1]! + (sums[2]! + sums[3]!);
}
