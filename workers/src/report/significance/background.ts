import * as z from 'zod/mini';
import { COUNT } from '../../base/text/document.ts';

const DISTANCE = z.number('a number');

/** Distances of sampled pairs of a bucket, nearly all unrelated: equal bins between `from` and `to`. */
export const BACKGROUND = z.object({ from: DISTANCE, to: DISTANCE, counts: z.array(COUNT) });
export type BucketBackground = z.output<typeof BACKGROUND>;

/** How far unrelated vectors of a database are from each other. */
export interface Background {
  /** Returns the share of pairs that are nearer than a distance. */
  shareBelow(distance: number): number;
  /** Returns the distance that a share of the pairs is nearer than. */
  quantile(share: number): number;
}

/** Halvings of the range after which a quantile has the precision of a chart. */
const HALVINGS = 40;

/**
 * Joins the backgrounds of buckets, each weighted by its rows.
 * @returns undefined if none has pairs: a bucket may be too small for a sample
 */
export function joinBackgrounds(
  buckets: readonly { background: BucketBackground; rows: number }[],
): Background | undefined {
  const sampled = buckets.filter(
    ({ background: { from, to, counts }, rows }) => rows > 0 && to > from && counts.some((count) => count > 0),
  );
  if (sampled.length === 0) return undefined;
  const rows = sampled.reduce((sum, bucket) => sum + bucket.rows, 0);
  const parts = sampled.map((bucket) => ({
    ...{ weight: bucket.rows / rows, ...bucket.background },
    shares: cumulate(bucket.background),
  }));
  const shareBelow = (distance: number) =>
    parts.reduce((sum, { weight, from, to, shares }) => {
      const at = Math.min(1, Math.max(0, (distance - from) / (to - from))) * (shares.length - 1);
      const [low, high] = [shares[Math.floor(at)]!, shares[Math.ceil(at)]!];
      return sum + weight * (low + (high - low) * (at % 1));
    }, 0);
  return {
    shareBelow,
    quantile(share) {
      let low = Math.min(...parts.map(({ from }) => from));
      let high = Math.max(...parts.map(({ to }) => to));
      for (let i = 0; i < HALVINGS; i++) {
        const middle = (low + high) / 2;
        if (shareBelow(middle) < share) low = middle;
        else high = middle;
      }
      return high;
    },
  };
}

/** Returns the shares of pairs below the start of each bin, and below the end of the last one. */
function cumulate({ counts }: BucketBackground): number[] {
  const below = [0];
  for (const count of counts) below.push(below.at(-1)! + count);
  return below.map((count) => count / below.at(-1)!);
}
