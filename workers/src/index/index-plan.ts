import type { IndexDescription } from '../database/catalog/catalog-entry.ts';
import type { Metric } from '../vectors/metric.ts';
import { oddDimension, otherSubVectors, tooFewRows } from './index-messages.ts';

export type IndexKind = 'ivf-pq' | 'ivf-rq';

export const INDEX_KINDS = ['ivf-pq', 'ivf-rq'] as const satisfies readonly IndexKind[];

/** IVF-RQ costs less to build and has the higher recall (docs/adr/0005). */
export const DEFAULT_INDEX: IndexKind = 'ivf-rq';

/** Centroids of one sub-vector's codebook (8 bits). Training needs at least as many rows. */
const PQ_CENTROIDS = 256;
/** Components of a sub-vector, as in the article: 960 / 60. */
const PQ_COMPONENTS = 16;
const KMEANS_ITERATIONS = 10;
/** Training rows per centroid. */
const SAMPLE_RATE = 64;

/**
 * Chooses an index's parameters: int(sqrt(rows)) partitions and dimension / 16 sub-vectors, as in the article; fewer if the
 * table is too small or the dimension is not a multiple.
 * @param orderPartitions partition count of the rows' order, if they have one: IVF-RQ takes its partitions
 * @returns the index, and a note on each difference from the article's parameters
 */
export function planIndex(
  kind: IndexKind,
  rows: number,
  dimension: number,
  metric: Metric,
  orderPartitions?: number,
): { index: IndexDescription; notes: string[] } {
  if (rows < PQ_CENTROIDS)
    return {
      index: { kind: 'none', metric, partitions: 0, parameters: {} },
      notes: [tooFewRows(rows, PQ_CENTROIDS)],
    };
  const partitions = Math.floor(Math.sqrt(rows));
  const notes: string[] = [];
  const training = { maxIterations: KMEANS_ITERATIONS };
  if (kind === 'ivf-rq' && dimension % 8 === 0 && orderPartitions !== undefined)
    return { index: { kind, metric, partitions: orderPartitions, centroids: 'order', parameters: {} }, notes };
  if (kind === 'ivf-rq' && dimension % 8 === 0)
    return { index: { kind, metric, partitions, parameters: { ...training, sampleRate: SAMPLE_RATE } }, notes };
  if (kind === 'ivf-rq') notes.push(oddDimension(dimension));
  const subVectors = largestDivisor(dimension, Math.max(1, Math.floor(dimension / PQ_COMPONENTS)));
  if (subVectors * PQ_COMPONENTS !== dimension) notes.push(otherSubVectors(subVectors, dimension, PQ_COMPONENTS));
  return { index: { kind: 'ivf-pq', metric, partitions, subVectors, parameters: training }, notes };
}

/** Returns the largest divisor of `n` that is at most `limit`. */
function largestDivisor(n: number, limit: number): number {
  let divisor = limit;
  while (n % divisor !== 0) divisor--;
  return divisor;
}
