import { type Centroids, lengthOf } from './kmeans.ts';

/** The largest relative loss of a vector if float16 keeps all 11 bits of every component. */
const USUAL_LOSS = 2 ** -11;
/** A dot query that is shorter than this fraction of the rows loses precision: LanceDB sums the squares of both in float32. */
const SHORT = 2 ** -12;
/** A length at which float16 represents any rotation of a vector, and keeps the precision of small components. */
export const LENGTH_IN_FLOAT16 = 2 ** 13;

/**
 * Returns whether float16 represents a vector at its usual precision: no component becomes infinite, and components that underflow
 * contribute little to its length.
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
 * Returns the power of two by which a dot query is multiplied for LanceDB; 1 unless the query is much shorter than the rows. Products
 * grow by the same factor.
 * @param rowLength length of the longest rows
 * @param isHalf whether the table is float16
 */
export function queryFactor(vector: Float32Array, rowLength: number, isHalf: boolean): number {
  const length = lengthOf(vector);
  if (length === 0 || (length >= SHORT * rowLength && (!isHalf || fitsFloat16(vector)))) return 1;
  return 2 ** Math.floor(Math.log2((isHalf ? LENGTH_IN_FLOAT16 : rowLength) / length));
}

/** Returns the length of the longest centroid. */
export function longestCentroid({ count, dimension, vectors }: Centroids): number {
  let longest = 0;
  for (let i = 0; i < count; i++)
    longest = Math.max(longest, lengthOf(vectors.subarray(i * dimension, (i + 1) * dimension)));
  return longest;
}
