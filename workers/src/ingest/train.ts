import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../app/progress.ts';
import { seededRandom } from '../base/random.ts';
import { type Centroids, isSpherical, LloydRound, normalizeRows } from '../vectors/kmeans.ts';
import type { Metric } from '../vectors/metric.ts';
import { createAssigner } from './assigner.ts';

const BLOCK_BYTES = 16 * 2 ** 20;
/**
 * Of which share of the sample each round learns: every fourth slice, every second, all. Centres that are far from where
 * they will be are moved well enough by few rows: in recall as good as eight rounds over all, at half the cost (ADR 9).
 */
const ROUNDS = [4, 4, 4, 4, 2, 2, 1];
/** Rows that lie together in the sample and in the bucket. */
export const SLICE_ROWS = 64;

/** Rows that centres are trained on; they lie in a scratch file, so that memory does not grow with them. */
export interface TrainingSample {
  rows: number;
  dimension: number;
  /** float32 [rows, dimension]; unit length where the clustering is spherical */
  path: string;
}

/**
 * k-means on a sample (Lloyd's algorithm; spherical for cosine). The same sample gives the same centres.
 * @param count centres, at most as many as the sample has rows
 */
export async function trainCentroids(
  sample: TrainingSample,
  count: number,
  metric: Metric,
  progress: Progress,
): Promise<Centroids> {
  const file = await open(sample.path, 'r');
  try {
    let centroids = await pickCentroids(file, sample, count, isSpherical(metric));
    for (const [i, every] of ROUNDS.entries()) {
      const round = new LloydRound(count, sample.dimension);
      const assigner = await createAssigner(centroids, metric);
      try {
        for await (const { vectors, rows } of readSample(file, sample, i % every, every)) {
          const clusters = new Int32Array(rows);
          await assigner.assign(vectors, rows, clusters);
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

/** Rounds of training, for a progress bar. */
export const TRAINING_ROUNDS = ROUNDS.length;

/** Random rows of the sample as first centres. */
async function pickCentroids(
  file: FileHandle,
  sample: TrainingSample,
  count: number,
  spherical: boolean,
): Promise<Centroids> {
  const { rows, dimension } = sample;
  const random = seededRandom(0x1a4ce);
  const order = Int32Array.from({ length: rows }, (_, i) => i);
  // The first `count` steps of a Fisher-Yates shuffle.
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (rows - i));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const vectors = new Float32Array(count * dimension);
  const bytes = new Uint8Array(vectors.buffer);
  const rowBytes = dimension * 4;
  for (let i = 0; i < count; i++) await file.read(bytes, i * rowBytes, rowBytes, order[i]! * rowBytes);
  if (spherical) normalizeRows(vectors, dimension);
  return { count, dimension, vectors };
}

/** Slices `first`, `first + every`, ... of the sample, block by block. */
async function* readSample(file: FileHandle, { rows, dimension }: TrainingSample, first: number, every: number) {
  const rowBytes = dimension * 4;
  const stretch = every === 1 ? Math.max(1, Math.floor(BLOCK_BYTES / rowBytes)) : SLICE_ROWS;
  const blockRows = stretch * Math.max(1, Math.floor(BLOCK_BYTES / rowBytes / stretch));
  const block = new Float32Array(Math.min(blockRows, rows) * dimension);
  const bytes = new Uint8Array(block.buffer);
  let filled = 0;
  for (let at = first * stretch; at < rows; at += stretch * every) {
    const count = Math.min(stretch, rows - at);
    if (filled + count > blockRows) {
      yield { vectors: block.subarray(0, filled * dimension), rows: filled };
      filled = 0;
    }
    await file.read(bytes, filled * rowBytes, count * rowBytes, at * rowBytes);
    filled += count;
  }
  if (filled > 0) yield { vectors: block.subarray(0, filled * dimension), rows: filled };
}

/** Where the sample is kept in a scratch folder. */
export function samplePath(scratch: string): string {
  return join(scratch, 'sample.f32');
}
