import { join } from 'node:path';
import { fillFromFile } from '../base/files/fill-from-file.ts';
import type { RowSpan } from '../bucket/fragment-blocks.ts';

/** Vectors of a part of a sample. */
const PART_BYTES = 32 * 2 ** 20;
/** Rows that are consecutive in the sample, and in the shards of a bucket. */
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

/** Slices `first`, `first + every`, ... of a sample: `count` of them. */
export interface SamplePart {
  first: number;
  every: number;
  count: number;
}

/** Divides slices `first`, `first + every`, ... of the sample into parts of some megabytes. */
export function* partsOf({ rows, dimension }: TrainingSample, first: number, every: number): Generator<SamplePart> {
  const slices = Math.ceil((Math.ceil(rows / SLICE_ROWS) - first) / every);
  const most = Math.max(1, Math.floor(PART_BYTES / (SLICE_ROWS * dimension * 4)));
  for (let at = 0; at < slices; at += most)
    yield { first: first + at * every, every, count: Math.min(most, slices - at) };
}

/** Divides the slices of a part into stretches of consecutive rows. */
export function* stretchesOf(sampleRows: number, { first, every, count }: SamplePart): Generator<RowSpan> {
  const slicesAtOnce = every === 1 ? count : 1;
  for (let slice = 0; slice < count; slice += slicesAtOnce) {
    const start = (first + slice * every) * SLICE_ROWS;
    yield { first: start, end: Math.min(sampleRows, start + slicesAtOnce * SLICE_ROWS) };
  }
}

/** Reads consecutive rows. @param into [rows, D] @param file descriptor of the sample */
export function readSampleRows(file: number, { dimension }: TrainingSample, first: number, into: Float32Array): void {
  const rowBytes = dimension * 4;
  const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
  if (!fillFromFile(file, bytes, first * rowBytes))
    throw new Error(`The training sample ends before row ${first + into.length / dimension}.`);
}

/** Marks the rows of a part that are not trained on. @param clusters the cluster of each row; -1 where it is held out */
export function holdOutTrialRows({ rows }: TrainingSample, clusters: Int32Array): void {
  if (rows < LEAST_HELD_OUT) return;
  for (let row = 0; row < clusters.length; row += SLICE_ROWS) clusters[row] = -1;
}

/** Reads the first rows of slices, evenly spread over the sample: [rows, D]. @param file descriptor of the sample */
export function readTrialRows(file: number, sample: TrainingSample): Float32Array {
  const { rows, dimension } = sample;
  const slices = Math.ceil(rows / SLICE_ROWS);
  const step = Math.max(1, Math.floor(slices / TRIAL_ROWS));
  const trial = new Float32Array(Math.ceil(slices / step) * dimension);
  for (let i = 0; i * dimension < trial.length; i++)
    readSampleRows(file, sample, i * step * SLICE_ROWS, trial.subarray(i * dimension, (i + 1) * dimension));
  return trial;
}
