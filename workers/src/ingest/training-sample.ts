import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

const BLOCK_BYTES = 16 * 2 ** 20;
/** Rows that are consecutive in the sample and in the bucket. */
export const SLICE_ROWS = 64;
/** Rows of the sample that a plan of assignment is tried on, about. */
const TRIAL_ROWS = 4096;
/** The first row of each slice of a sample of this size is not trained on: centroids are nearer to the rows they are trained on. */
const LEAST_HELD_OUT = 2 ** 15;

/** Rows that centroids are trained on. They are in a scratch file, so that memory does not grow with them. */
export interface TrainingSample {
  rows: number;
  dimension: number;
  /** float32 [rows, dimension]; unit length where the clustering is spherical */
  path: string;
}

/** Returns the path of the sample in a scratch folder. */
export function samplePath(scratch: string): string {
  return join(scratch, 'sample.f32');
}

/**
 * Reads slices `first`, `first + every`, ... of the sample, block by block. Blocks consist of whole slices, and are valid until the next
 * is read.
 */
export async function* readSample(file: FileHandle, { rows, dimension }: TrainingSample, first: number, every: number) {
  const rowBytes = dimension * 4;
  const slicesOfBlock = Math.max(1, Math.floor(BLOCK_BYTES / rowBytes / SLICE_ROWS));
  const stretch = every === 1 ? slicesOfBlock * SLICE_ROWS : SLICE_ROWS;
  const blockRows = slicesOfBlock * SLICE_ROWS;
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

/** Reads one row of the sample. @param into [D] */
export async function readSampleRow(file: FileHandle, row: number, into: Float32Array): Promise<void> {
  await file.read(
    new Uint8Array(into.buffer, into.byteOffset, into.byteLength),
    0,
    into.byteLength,
    row * into.byteLength,
  );
}

/** Marks the rows of a block that are not trained on. @param clusters the cluster of each row; -1 where it is held out */
export function holdOutTrialRows({ rows }: TrainingSample, clusters: Int32Array): void {
  if (rows < LEAST_HELD_OUT) return;
  for (let row = 0; row < clusters.length; row += SLICE_ROWS) clusters[row] = -1;
}

/** Reads the first rows of slices, evenly spread over the sample: [rows, D]. */
export async function readTrialRows(file: FileHandle, { rows, dimension }: TrainingSample): Promise<Float32Array> {
  const slices = Math.ceil(rows / SLICE_ROWS);
  const step = Math.max(1, Math.floor(slices / TRIAL_ROWS));
  const trial = new Float32Array(Math.ceil(slices / step) * dimension);
  for (let i = 0; i * dimension < trial.length; i++)
    await readSampleRow(file, i * step * SLICE_ROWS, trial.subarray(i * dimension, (i + 1) * dimension));
  return trial;
}
