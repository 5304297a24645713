/** The upper tail of scores of unrelated pairs: a generalized Pareto distribution (https://en.wikipedia.org/wiki/Generalized_Pareto_distribution). */
export interface Tail {
  /** Score at which the tail begins, and the share of pairs beyond it. */
  start: number;
  share: number;
  scale: number;
  /** Above zero: heavier than exponential. */
  shape: number;
}

/**
 * Shape of the tail, heavier than exponential: some proteins of low complexity are near many others, also beyond what their background
 * shows. Fixed, because a sample that holds relatives cannot show it: measured on UniProt, docs/output.md#e-values.
 */
const SHAPE = 0.16;
/** The tail is fitted to the scores that these shares of the pairs exceed. Fewer pairs of most samples than the second are relatives. */
const [UPPER, LOWER] = [0.1, 0.01];
/** Pairs that would be rarer than this among unrelated ones are relatives: they are dropped before the fit. */
const RELATIVE = 1e-3;
const ROUNDS = 10;
/** Fewer scores do not show a tail. */
const LEAST_SCORES = 20_000;
/** Of samples that are too small: wider than those of kmer and of small transformers on UniProt. */
const DEFAULT_TAIL: Tail = { start: 1.3, share: UPPER, scale: 0.6, shape: SHAPE };
/** Smaller chances are not distinguished: nobody has measured so far out. */
const LEAST_CHANCE = 1e-37;

/**
 * Fits the tail of scores from a sample of pairs of which some may be relatives. Begins with the middle of the scores, which few relatives
 * reach, drops the pairs that are too near for it, and fits the rest, until the same pairs are dropped.
 * @param scores changed: sorted
 */
export function fitTail(scores: Float64Array): Tail {
  if (scores.length < LEAST_SCORES) return DEFAULT_TAIL;
  scores.sort();
  let tail = tailThrough(scores, scores.length, 0.5, 0.25);
  for (let round = 0, kept = scores.length; round < ROUNDS; round++) {
    const before = kept;
    kept = countBelow(scores, scoreAt(tail, RELATIVE));
    tail = tailThrough(scores, kept, UPPER, LOWER);
    if (kept === before) break;
  }
  return tail;
}

/** Returns the chance that an unrelated pair has this score or a higher one. */
export function chanceOf({ start, share, scale, shape }: Tail, score: number): number {
  const growth = 1 + (shape * (score - start)) / scale;
  if (Number.isNaN(growth)) return 1;
  const chance = share * Math.max(growth, Number.MIN_VALUE) ** (-1 / shape);
  return Math.min(1, Math.max(LEAST_CHANCE, chance));
}

/** Returns the score that a share of unrelated pairs exceeds. */
function scoreAt({ start, share, scale, shape }: Tail, chance: number): number {
  return start + (scale / shape) * ((share / chance) ** shape - 1);
}

/** Returns the tail through two quantiles of the first `count` scores, which are sorted. */
function tailThrough(scores: Float64Array, count: number, upper: number, lower: number): Tail {
  const at = (share: number) => scores[Math.min(count - 1, Math.floor(count * (1 - share)))]!;
  const [start, far] = [at(upper), at(lower)];
  // Where all pairs are equally far, any nearer one is significant.
  const scale = Math.max(1e-6, (SHAPE * (far - start)) / ((upper / lower) ** SHAPE - 1));
  return { start, share: upper, scale, shape: SHAPE };
}

/** Counts the sorted scores below a limit. */
function countBelow(scores: Float64Array, limit: number): number {
  let [from, to] = [0, scores.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (scores[middle]! <= limit) from = middle + 1;
    else to = middle;
  }
  return from;
}
