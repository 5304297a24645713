import { type Centroids, lengthOf } from './kmeans.ts';

/** Share of its length that a vector loses at most where float16 has all of its 11 digits for every component. */
const USUAL_LOSS = 2 ** -11;
/** A query under dot that is shorter than this share of the rows loses more than that: LanceDB sums squares of both in float32. */
const SHORT = 2 ** -12;
/** A length at which float16 holds a vector, however it is rotated, and has its digits for small components. */
export const LENGTH_IN_FLOAT16 = 2 ** 13;

/**
 * Whether float16 holds a vector as well as it holds most: no component becomes infinite, and components that are zero or lose
 * digits for being very short are only a small part of it.
 */
export function fitsFloat16(vector: Float32Array): boolean {
  const rounded = new Float16Array(vector);
  let lost = 0;
  let all = 0;
  for (let i = 0; i < vector.length; i++) {
    const error = vector[i]! - rounded[i]!;
    lost += error * error;
    all += vector[i]! * vector[i]!;
  }
  return lost <= USUAL_LOSS ** 2 * all;
}

/**
 * The power of two by which to multiply a query under dot before LanceDB is asked; 1 for a query that is about as long as rows
 * are, or longer. Products grow by the same factor.
 * @param rowLength length of the longest rows @param isHalf the table is of float16
 */
export function queryFactor(vector: Float32Array, rowLength: number, isHalf: boolean): number {
  const length = lengthOf(vector);
  if (length === 0 || (length >= SHORT * rowLength && (!isHalf || fitsFloat16(vector)))) return 1;
  return 2 ** Math.floor(Math.log2((isHalf ? LENGTH_IN_FLOAT16 : rowLength) / length));
}

/** Length of the longest of centroids. */
export function longestCentroid({ count, dimension, vectors }: Centroids): number {
  let most = 0;
  for (let i = 0; i < count; i++) most = Math.max(most, lengthOf(vectors.subarray(i * dimension, (i + 1) * dimension)));
  return most;
}
