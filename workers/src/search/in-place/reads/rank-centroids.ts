import type { Centroids } from '../../../vectors/kmeans.ts';
import type { Metric } from '../../../vectors/metric.ts';
import type { VectorType } from '../../../vectors/vector-type.ts';

/** Largest relative error of a distance that LanceDB computes, in float32 or from float16. */
const ERROR: Record<VectorType, number> = { float32: 2e-5, float16: 5e-4 };

/**
 * Returns all partitions that LanceDB may probe for a query: the nearest `nprobes`, and those whose distance differs from that of
 * the last one by no more than rounding. LanceDB compares queries of unit length by l2 under cosine.
 * @param query as LanceDB gets it
 * @param centroids as the index stores them
 */
export function probedPartitions(
  query: Float32Array,
  { count, dimension, vectors }: Centroids,
  metric: Metric,
  nprobes: number,
  vectorType: VectorType,
): Int32Array {
  let scale = 1;
  if (metric === 'cosine') scale = 1 / Math.sqrt(query.reduce((sum, value) => sum + value * value, 0));
  const distances = new Float64Array(count);
  let largest = 0;
  for (let i = 0, at = 0; i < count; i++) {
    let sum = 0;
    let size = 0;
    if (metric === 'dot')
      for (let c = 0; c < dimension; c++, at++) {
        sum -= query[c]! * vectors[at]!;
        size += Math.abs(query[c]! * vectors[at]!);
      }
    else {
      for (let c = 0; c < dimension; c++, at++) {
        const difference = scale * query[c]! - vectors[at]!;
        sum += difference * difference;
      }
      size = sum;
    }
    distances[i] = sum;
    largest = Math.max(largest, size);
  }
  const order = Int32Array.from(distances.keys()).sort((a, b) => distances[a]! - distances[b]! || a - b);
  const limit = distances[order[Math.min(nprobes, count) - 1]!]!;
  const margin = ERROR[vectorType] * (metric === 'dot' ? largest : Math.abs(limit));
  let end = Math.min(nprobes, count);
  while (end < count && distances[order[end]!]! <= limit + margin) end++;
  return order.subarray(0, end);
}
