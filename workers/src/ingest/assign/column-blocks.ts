import { LARGEST_CODE } from '../../vectors/quantize.ts';
import { LANES, NO_CENTROID } from './assign-kernels.ts';

/** Columns of one matrix product: its sums stay in a core's cache. */
export const BLOCK_COLUMNS = 1024;

/** Centroids as columns of 8-bit codes, in blocks for one matrix product each. Threads share them. */
export interface ColumnBlocks {
  /** First column of each block, and in the end the number of columns. */
  starts: Int32Array;
  /** int8 [width, columns] of each block, one after another. */
  codes: Int8Array;
  /** float32 scales and biases and int32 centroids [3, columns] of each block, one after another. */
  terms: Int32Array;
}

/** Pads a count to whole lanes. */
export function padded(count: number): number {
  return Math.ceil(count / LANES) * LANES;
}

/**
 * Encodes centroids as columns of codes with a scale each. The score of centroid d for a row y is y.d - |d|^2 / 2: the largest
 * is that of the nearest.
 * @param vectors [count, dimension], less what they have in common
 * @param blocks the centroids of each block, at most BLOCK_COLUMNS
 */
export function encodeColumns(vectors: Float32Array, dimension: number, blocks: readonly Int32Array[]): ColumnBlocks {
  const width = padded(dimension);
  const starts = new Int32Array(blocks.length + 1);
  for (const [block, { length }] of blocks.entries()) starts[block + 1] = starts[block]! + padded(length);
  const columns = starts.at(-1)!;
  const codes = new Int8Array(new SharedArrayBuffer(columns * width));
  const terms = new Int32Array(new SharedArrayBuffer(columns * 12));
  for (const [block, members] of blocks.entries()) {
    const count = padded(members.length);
    const start = starts[block]!;
    const ownCodes = codes.subarray(start * width, (start + count) * width);
    const scales = new Float32Array(terms.buffer, start * 12, count);
    // A score that is no number is not the best of any row.
    const biases = new Float32Array(terms.buffer, start * 12 + 4 * count, count).fill(Number.NaN);
    const centroids = new Int32Array(terms.buffer, start * 12 + 8 * count, count).fill(NO_CENTROID);
    for (const [column, centroid] of members.entries()) {
      const vector = vectors.subarray(centroid * dimension, (centroid + 1) * dimension);
      let [largest, square] = [0, 0];
      for (const value of vector) {
        largest = Math.max(largest, Math.abs(value));
        square += value * value;
      }
      const scale = largest === 0 ? 1 : largest / LARGEST_CODE;
      for (let i = 0; i < dimension; i++) ownCodes[i * count + column] = Math.round(vector[i]! / scale);
      scales[column] = scale;
      biases[column] = -square / 2;
      centroids[column] = centroid;
    }
  }
  return { starts, codes, terms };
}

/** Cuts a list of centroids into blocks. */
export function cutIntoBlocks(members: Int32Array): Int32Array[] {
  const blocks = Math.ceil(members.length / BLOCK_COLUMNS);
  return Array.from({ length: blocks }, (_, i) =>
    members.subarray(Math.floor((i * members.length) / blocks), Math.floor(((i + 1) * members.length) / blocks)),
  );
}
