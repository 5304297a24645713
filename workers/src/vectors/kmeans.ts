import type { Metric } from './metric.ts';

/** Centroids of clusters: [count, dimension]; unit length if the metric is spherical. */
export interface Centroids {
  count: number;
  dimension: number;
  vectors: Float32Array;
}

/** Returns whether centroids have unit length: l2 compares them by Euclidean distance, other metrics by direction. */
export function isSpherical(metric: Metric): boolean {
  return metric !== 'l2';
}

/**
 * One round of Lloyd's algorithm, block by block: sums the rows of each cluster and moves the centroids to their means. Keeps only
 * sums, so the rows may be on disk.
 */
export class LloydRound {
  readonly #sums: Float64Array;
  readonly #counts: Int32Array;
  readonly #dimension: number;

  constructor(count: number, dimension: number) {
    this.#sums = new Float64Array(count * dimension);
    this.#counts = new Int32Array(count);
    this.#dimension = dimension;
  }

  /** @param vectors rows * dimension components @param clusters the cluster of each row; -1 skips it */
  add(vectors: Float32Array, clusters: Int32Array, rows: number): void {
    const dimension = this.#dimension;
    for (let row = 0, at = 0; row < rows; row++) {
      const cluster = clusters[row]!;
      if (cluster < 0) {
        at += dimension;
        continue;
      }
      this.#counts[cluster]!++;
      const base = cluster * dimension;
      for (let i = 0; i < dimension; i++) this.#sums[base + i]! += vectors[at++]!;
    }
  }

  /** @param means receives the mean of each cluster; zeros where it is empty @returns the row counts of the clusters */
  means(means: Float32Array): Int32Array {
    const dimension = this.#dimension;
    for (const [cluster, rows] of this.#counts.entries())
      for (let i = cluster * dimension; i < (cluster + 1) * dimension; i++)
        means[i] = rows > 0 ? this.#sums[i]! / rows : 0;
    return this.#counts;
  }

  /** Returns the new centroids. */
  centroids(spherical: boolean): Centroids {
    const dimension = this.#dimension;
    const vectors = new Float32Array(this.#sums.length);
    const counts = this.means(vectors);
    return completeRound({ count: counts.length, dimension, vectors }, counts, spherical);
  }
}

/**
 * Makes centroids of the means of clusters. An empty cluster takes half of the largest one, whose centroid is split by a small shift,
 * as FAISS does.
 * @param means overwritten
 */
export function completeRound(means: Centroids, rowCounts: Int32Array, spherical: boolean): Centroids {
  const { count, dimension, vectors } = means;
  const counts = rowCounts.slice();
  for (let cluster = 0; cluster < count; cluster++)
    if (counts[cluster] === 0) splitLargest(vectors, counts, cluster, dimension);
  if (spherical) normalizeRows(vectors, dimension);
  return means;
}

const SPLIT = 1 / 1024;

function splitLargest(vectors: Float32Array, counts: Int32Array, empty: number, dimension: number): void {
  const largest = counts.indexOf(counts.reduce((most, n) => Math.max(most, n), 0));
  for (let i = 0; i < dimension; i++) {
    const value = vectors[largest * dimension + i]!;
    const shift = i % 2 === 0 ? SPLIT : -SPLIT;
    vectors[empty * dimension + i] = value * (1 + shift);
    vectors[largest * dimension + i] = value * (1 - shift);
  }
  counts[empty] = counts[largest]! >> 1;
  counts[largest]! -= counts[empty]!;
}

/** Scales rows to unit length, except rows of zeros. */
export function normalizeRows(vectors: Float32Array, dimension: number): void {
  for (let at = 0; at < vectors.length; at += dimension) {
    let sum = 0;
    for (let i = at; i < at + dimension; i++) sum += vectors[i]! * vectors[i]!;
    if (sum === 0) continue;
    const scale = 1 / Math.sqrt(sum);
    for (let i = at; i < at + dimension; i++) vectors[i]! *= scale;
  }
}

/** Returns the Euclidean length. */
export function lengthOf(row: Float32Array): number {
  return Math.sqrt(innerProduct(row, row));
}

/** Returns the inner product of two vectors of the same dimension, in double precision. */
export function innerProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
