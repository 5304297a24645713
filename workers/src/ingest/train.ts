import { type FileHandle, open } from 'node:fs/promises';
import type { Progress } from '../app/progress.ts';
import { seededRandom } from '../base/random.ts';
import { type Centroids, isSpherical, LloydRound, normalizeRows } from '../vectors/kmeans.ts';
import type { Metric } from '../vectors/metric.ts';
import type { AssignPlan } from './assign/assign-plan.ts';
import { createAssigner } from './assign/assigner.ts';
import { prepareAssigner } from './assign/prepare-assigner.ts';
import { holdOutTrialRows, readSample, readSampleRow, readTrialRows, type TrainingSample } from './training-sample.ts';

/**
 * Each round learns from a share of the sample: every fourth slice, every second, all. Few rows move centroids well enough
 * that are still far from where they end up: recall is that of eight rounds over all, at half the cost (ADR 9).
 */
const ROUNDS = [4, 4, 4, 4, 2, 2, 1];
/** Rounds of training, for a progress bar. */
export const TRAINING_ROUNDS = ROUNDS.length;

/**
 * Trains centroids by k-means on a sample (Lloyd's algorithm; spherical unless under l2). The same sample gives the same
 * centroids, on any number of threads.
 * @param count of centroids, at most as many as the sample has rows
 */
export async function trainCentroids(
  sample: TrainingSample,
  count: number,
  metric: Metric,
  progress: Progress,
): Promise<Centroids> {
  const file = await open(sample.path, 'r');
  try {
    const trial = await readTrialRows(file, sample);
    let centroids = await pickCentroids(file, sample, count, isSpherical(metric));
    for (const [i, every] of ROUNDS.entries()) {
      const round = new LloydRound(count, sample.dimension);
      const assigner = await createAssigner(
        await prepareAssigner(centroids, metric, { rows: sample.rows / every, trial }),
      );
      try {
        for await (const { vectors, rows } of readSample(file, sample, i % every, every)) {
          const clusters = new Int32Array(rows);
          await assigner.assign(vectors, rows, clusters);
          holdOutTrialRows(sample, clusters);
          round.add(vectors, clusters, rows);
        }
      } finally {
        await assigner.close();
      }
      centroids = round.centroids(isSpherical(metric));
      progress.add(1);
    }
    return centroids;
  } finally {
    await file.close();
  }
}

/** Plans how a bucket's rows are assigned, by trying it on rows of its sample. @param rows of the bucket */
export async function planAssignment(
  sample: TrainingSample,
  centroids: Centroids,
  metric: Metric,
  rows: number,
): Promise<AssignPlan> {
  const file = await open(sample.path, 'r');
  try {
    return await prepareAssigner(centroids, metric, { rows, trial: await readTrialRows(file, sample) });
  } finally {
    await file.close();
  }
}

/** Picks random rows of the sample as first centroids. */
async function pickCentroids(
  file: FileHandle,
  { rows, dimension }: TrainingSample,
  count: number,
  spherical: boolean,
): Promise<Centroids> {
  const random = seededRandom(0x1a4ce);
  const shuffled = Int32Array.from({ length: rows }, (_, i) => i);
  // The first `count` steps of a Fisher-Yates shuffle.
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (rows - i));
    [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
  }
  const vectors = new Float32Array(count * dimension);
  for (let i = 0; i < count; i++)
    await readSampleRow(file, shuffled[i]!, vectors.subarray(i * dimension, (i + 1) * dimension));
  if (spherical) normalizeRows(vectors, dimension);
  return { count, dimension, vectors };
}
