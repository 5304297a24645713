import * as z from 'zod/mini';
import { FRACTION, SIZE } from '../base/text/document.ts';

/** A mean and its 95% confidence interval. */
export type Estimate = z.infer<typeof ESTIMATE>;
export const ESTIMATE = z.object({
  mean: FRACTION,
  low: FRACTION,
  high: FRACTION,
  /** Queries it rests on. */
  queries: SIZE,
});

/**
 * Mean recall over sampled queries with a 95% interval. Student's t on queries (their hits are not
 * independent), never narrower than Wilson's interval for as many trials as queries where all of them agree.
 * @param recalls recall of each query, at least one
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

/** The 97.5% quantile of Student's t distribution, to 3% and rather too large: 1.96 would be too narrow for few queries. */
function studentQuantile(freedom: number): number {
  return 1.96 + 2.372 / freedom + 2.82 / freedom ** 2 + 5.55 / freedom ** 3;
}

/** An estimate in words. */
export function formatEstimate({ mean, low, high, queries }: Estimate): string {
  return `${mean.toFixed(4)} (95%: ${low.toFixed(4)} to ${high.toFixed(4)}, ${queries} queries)`;
}

/**
 * The fewest partitions to probe for a recall: from the rank, in each query's order of partitions, of the partition
 * that holds each of its true neighbours.
 * @param ranks for each query, the ranks (from 0) of its true neighbours' partitions
 * @returns nprobes, and the recall of each query at it
 */
export function probesForRecall(
  ranks: ReadonlyArray<readonly number[]>,
  target: number,
  partitionCount: number,
): { nprobes: number; recalls: number[] } {
  const recallsAt = (nprobes: number) =>
    ranks.map((own) => (own.length === 0 ? 1 : own.filter((rank) => rank < nprobes).length / own.length));
  const mean = (recalls: number[]) => recalls.reduce((sum, value) => sum + value, 0) / Math.max(1, recalls.length);
  // Recall never falls with more probes, so the fewest is found by halving.
  let low = 1;
  let high = partitionCount;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (mean(recallsAt(middle)) >= target) high = middle;
    else low = middle + 1;
  }
  return { nprobes: low, recalls: recallsAt(low) };
}

/** Where trying begins, and how near to the fewest is near enough. */
const FIRST_PROBES = 8;
const NEAR_ENOUGH = 1 / 8;

/**
 * About the fewest partitions to probe for a recall that can only be measured by trying: doubled until it is
 * reached, then bisected.
 * @returns all partitions, and their recall, where that does not reach the target
 */
export async function fewestProbes(
  measure: (nprobes: number) => Promise<Estimate>,
  target: number,
  partitionCount: number,
): Promise<{ nprobes: number; recall: Estimate }> {
  let nprobes = Math.min(FIRST_PROBES, partitionCount);
  let recall = await measure(nprobes);
  /** The most probes that are known to be too few. */
  let tooFew = 0;
  while (recall.mean < target && nprobes < partitionCount) {
    tooFew = nprobes;
    nprobes = Math.min(partitionCount, nprobes * 2);
    recall = await measure(nprobes);
  }
  if (recall.mean < target) return { nprobes, recall };
  while (nprobes - tooFew > Math.max(1, nprobes * NEAR_ENOUGH)) {
    const middle = (tooFew + nprobes) >> 1;
    const tried = await measure(middle);
    if (tried.mean >= target) [nprobes, recall] = [middle, tried];
    else tooFew = middle;
  }
  return { nprobes, recall };
}
