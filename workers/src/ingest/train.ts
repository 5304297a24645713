import type { Progress } from '../app/progress.ts';
import { sharedArray } from '../base/bytes/shared-array.ts';
import type { ThreadPool } from '../base/threads/thread-pool.ts';
import type { RowSpan } from '../bucket/fragment-blocks.ts';
import { type Centroids, completeRound, isSpherical } from '../vectors/kmeans.ts';
import type { Metric } from '../vectors/metric.ts';
import type { AssignPlan } from './assign/assign-plan.ts';
import type { IngestThread } from './passes/ingest-thread.ts';
import { partsOf, type TrainingSample } from './training-sample.ts';

/**
 * Each round learns from a share of the sample: every fourth slice, every second, all. Few rows move centroids well enough
 * that are still far from where they end up: recall is that of eight rounds over all, at half the cost (ADR 9).
 */
const ROUNDS = [4, 4, 4, 4, 2, 2, 1];
/** Rounds of training, for a progress bar. */
export const TRAINING_ROUNDS = ROUNDS.length;
/** Sums of centroids that a thread holds, in double precision. */
const SUM_BYTES = 8 * 2 ** 20;

export interface Training {
  /** Of centroids, at most as many as the sample has rows. */
  count: number;
  /** Rows of the bucket. */
  rows: number;
  metric: Metric;
}

/** Centroids, and how rows are compared with them. */
export interface TrainedPartitions {
  centroids: Centroids;
  /** In memory that threads share. */
  assignPlan: AssignPlan;
}

/**
 * Trains centroids by k-means on a sample (Lloyd's algorithm; spherical unless under l2), and plans how the rows of the bucket are
 * assigned to them. Threads assign parts of the sample, then each computes the means of some clusters. A mean sums rows in their order,
 * so the same sample gives the same centroids on any number of threads.
 * @param pool its threads are idle
 */
export async function trainPartitions(
  pool: ThreadPool<IngestThread>,
  sample: TrainingSample,
  { count, rows, metric }: Training,
  progress: Pick<Progress, 'add'>,
): Promise<TrainedPartitions> {
  const { dimension } = sample;
  const clusters = sharedArray(sample.rows, Int32Array);
  let centroids: Centroids = { count, dimension, vectors: sharedArray(count * dimension, Float32Array) };
  await pool.runInEach('startTraining', () => ({ sample, clusters }));
  await pool.run('pickCentroids', centroids);
  let plan: AssignPlan | undefined;
  for (const [i, every] of ROUNDS.entries()) {
    // One thread plans, so trying costs the time of all: it waits for means to be centroids, and later rounds do likewise.
    const rows = i === 0 ? 0 : ROUNDS.slice(i).reduce((sum, share) => sum + sample.rows / share, 0);
    const ofRound = await pool.run('planAssignment', { centroids, rows, like: i > 1 ? plan : undefined });
    await pool.runInEach('startRound', () => ofRound);
    plan = ofRound;
    clusters.fill(-1);
    await pool.runAll('assignPart', partsOf(sample, i % every, every));
    const ranges = divideClusters(count, dimension, pool.threads.length);
    const counts = await pool.runAll(
      'computeMeans',
      Array.from(ranges, (range) => ({ range, means: centroids.vectors })),
    );
    centroids = completeRound(centroids, Int32Array.from(counts.flatMap((some) => [...some])), isSpherical(metric));
    progress.add(1);
  }
  const assignPlan = await pool.run('planAssignment', { centroids, rows });
  await pool.runInEach('endTraining', () => undefined);
  return { centroids, assignPlan };
}

/** Divides clusters among threads, in ranges whose sums fit into their memory. */
function* divideClusters(count: number, dimension: number, threads: number): Generator<RowSpan> {
  const size = Math.max(1, Math.min(Math.ceil(count / threads), Math.floor(SUM_BYTES / (8 * dimension))));
  for (let first = 0; first < count; first += size) yield { first, end: Math.min(count, first + size) };
}
