import { LANES } from '../../base/wasm/simd.ts';
import { LARGEST_CODE } from '../../vectors/quantize.ts';
import { NO_CENTROID } from './kernel-parts.ts';

/** Columns of one matrix product: its sums stay in a core's cache. */
export const BLOCK_COLUMNS = 1024;

/** Vectors to compare rows with. The score of vector d for a row y is y.d + bias. */
export interface Targets {
  /** [count, dimension] */
  vectors: Float32Array;
  dimension: number;
  /** [count] */
  biases: Float32Array;
}

/** Targets as columns of 8-bit codes, in blocks for one matrix product each. Threads share them. */
export interface ColumnBlocks {
  /** First column of each block, and in the end the number of columns. */
  starts: Int32Array;
  /** int8 [width, columns] of each block, one after another. */
  codes: Int8Array;
  /** float32 scales and biases and int32 positions of targets [3, columns] of each block, one after another. */
  terms: Int32Array;
}

/** Pads a count to whole lanes. */
export function padded(count: number): number {
  return Math.ceil(count / LANES) * LANES;
}

/**
 * Encodes targets as columns of codes, with a scale for each column.
 * @param blocks the targets of each block, at most BLOCK_COLUMNS
 */
export function encodeColumns({ vectors, dimension, biases }: Targets, blocks: readonly Int32Array[]): ColumnBlocks {
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
    const ownScales = new Float32Array(terms.buffer, start * 12, count);
    // A score that is no number is not the best of any row.
    const ownBiases = new Float32Array(terms.buffer, start * 12 + 4 * count, count).fill(Number.NaN);
    const targets = new Int32Array(terms.buffer, start * 12 + 8 * count, count).fill(NO_CENTROID);
    const scales = new Float64Array(members.length);
    for (const [column, target] of members.entries()) {
      scales[column] = scaleOf(vectors.subarray(target * dimension, (target + 1) * dimension), LARGEST_CODE);
      ownScales[column] = scales[column]!;
      ownBiases[column] = biases[target]!;
      targets[column] = target;
    }
    // Few columns at a time, so that both what is read and what is written stays in cache.
    for (let first = 0; first < members.length; first += LANES)
      for (let i = 0; i < dimension; i++)
        for (let column = first; column < Math.min(members.length, first + LANES); column++)
          ownCodes[i * count + column] = Math.round(vectors[members[column]! * dimension + i]! / scales[column]!);
  }
  return { starts, codes, terms };
}

/** Returns the step of codes that reach from -largest to largest. */
export function scaleOf(vector: Float32Array, largest: number): number {
  let top = 0;
  for (const value of vector) top = Math.max(top, Math.abs(value));
  return top === 0 ? 1 : top / largest;
}

/** Returns -|d|^2 / 2 of each vector: with it, the largest score y.d + bias is that of the nearest. */
export function halfSquares(vectors: Float32Array, dimension: number): Float32Array {
  return Float32Array.from({ length: vectors.length / dimension }, (_, row) => {
    let square = 0;
    for (let i = row * dimension; i < (row + 1) * dimension; i++) square += vectors[i]! * vectors[i]!;
    return -square / 2;
  });
}

/** Cuts a list of targets into blocks. */
export function cutIntoBlocks(members: Int32Array): Int32Array[] {
  const blocks = Math.ceil(members.length / BLOCK_COLUMNS);
  return Array.from({ length: blocks }, (_, i) =>
    members.subarray(Math.floor((i * members.length) / blocks), Math.floor(((i + 1) * members.length) / blocks)),
  );
}

/** Returns 0, 1, ... */
export function consecutive(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}
