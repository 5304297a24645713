import * as z from 'zod/mini';
import { counted } from '../base/text/counted.ts';
import { FRACTION, SIZE } from '../base/text/document.ts';

/** A mean and its 95% confidence interval. */
export type Estimate = z.infer<typeof ESTIMATE>;
export const ESTIMATE = z.object({
  mean: FRACTION,
  low: FRACTION,
  high: FRACTION,
  /** Sample size. */
  queries: SIZE,
});

/**
 * Estimates the mean recall from sampled queries, with a 95% confidence interval: Student's t over queries (hits of one query are
 * not independent), or Wilson's interval if all recalls are equal.
 * @param recalls the recall of each query, at least one
 */
export function estimateRecall(recalls: readonly number[]): Estimate {
  const queries = recalls.length;
  const mean = recalls.reduce((sum, value) => sum + value, 0) / queries;
  const variance = recalls.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, queries - 1);
  const z = 1.96;
  if (variance > 0) {
    const half = studentQuantile(queries - 1) * Math.sqrt(variance / queries);
    return { mean, low: Math.max(0, mean - half), high: Math.min(1, mean + half), queries };
  }
  const center = (mean + z ** 2 / (2 * queries)) / (1 + z ** 2 / queries);
  const half = (z / (1 + z ** 2 / queries)) * Math.sqrt((mean * (1 - mean)) / queries + z ** 2 / (4 * queries ** 2));
  return { mean, low: Math.max(0, center - half), high: Math.min(1, center + half), queries };
}

/** Approximates the 97.5% quantile of Student's t distribution, at most 3% too large. */
function studentQuantile(freedom: number): number {
  return 1.96 + 2.372 / freedom + 2.82 / freedom ** 2 + 5.55 / freedom ** 3;
}

/** Formats an estimate for messages. */
export function formatEstimate({ mean, low, high, queries }: Estimate): string {
  return `${mean.toFixed(4)} (95%: ${low.toFixed(4)} to ${high.toFixed(4)}, ${counted(queries, 'query')})`;
}

/**
 * Finds the smallest nprobes that reaches a recall.
 * @param ranks for each query, the ranks (from 0, by distance of the centroid) of the partitions with its true neighbours
 * @returns nprobes, and the recall of each query
 */
export function probesForRecall(
  ranks: ReadonlyArray<readonly number[]>,
  target: number,
  partitionCount: number,
): { nprobes: number; recalls: number[] } {
  const recallsAt = (nprobes: number) =>
    ranks.map((own) => (own.length === 0 ? 1 : own.filter((rank) => rank < nprobes).length / own.length));
  const mean = (recalls: number[]) => recalls.reduce((sum, value) => sum + value, 0) / Math.max(1, recalls.length);
  // Recall does not decrease with nprobes, so bisection finds the smallest.
  let low = 1;
  let high = partitionCount;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (mean(recallsAt(middle)) >= target) high = middle;
    else low = middle + 1;
  }
  return { nprobes: low, recalls: recallsAt(low) };
}

/** The first nprobes tried, and the relative tolerance of the result. */
const FIRST_PROBES = 8;
const TOLERANCE = 1 / 8;

/**
 * Approximates the smallest nprobes that reaches a recall, which must be measured: doubles nprobes until the target is reached, then
 * bisects.
 * @returns all partitions, and their recall, if even they miss the target
 */
export async function fewestProbes(
  measure: (nprobes: number) => Promise<Estimate>,
  target: number,
  partitionCount: number,
): Promise<{ nprobes: number; recall: Estimate }> {
  let nprobes = Math.min(FIRST_PROBES, partitionCount);
  let recall = await measure(nprobes);
  /** The largest nprobes known to miss the target. */
  let tooFew = 0;
  while (recall.mean < target && nprobes < partitionCount) {
    tooFew = nprobes;
    nprobes = Math.min(partitionCount, nprobes * 2);
    recall = await measure(nprobes);
  }
  if (recall.mean < target) return { nprobes, recall };
  while (nprobes - tooFew > Math.max(1, nprobes * TOLERANCE)) {
    const middle = (tooFew + nprobes) >> 1;
    const tried = await measure(middle);
    if (tried.mean >= target) [nprobes, recall] = [middle, tried];
    else tooFew = middle;
  }
  return { nprobes, recall };
}
