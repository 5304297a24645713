/** Queries of a sample: the 95% interval of 200 is about +-0.02 at recall 0.95, k = 10. */
const MOST_SAMPLED = 200;
/** True neighbours of a sample. If k is large, fewer queries measure recall as precisely, and more would not fit into memory. */
const MOST_SAMPLED_HITS = 1_000_000;
const LEAST_SAMPLED = 20;

/** Returns how many queries of k neighbours each a recall is measured on. */
export function sampleSize(k: number): number {
  return Math.max(LEAST_SAMPLED, Math.min(MOST_SAMPLED, Math.floor(MOST_SAMPLED_HITS / k)));
}
