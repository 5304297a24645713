import type { Centroids } from './kmeans.ts';

/** Centroids farther away than this multiple of the median distance are outliers. */
const FAR = 4;
const MAX_ROUNDS = 64;

/**
 * Returns the common offset of centroids: their mean without outliers, or zero if most are nearer to the origin than to the mean.
 * @returns [D]
 */
export function commonCentre({ count, dimension, vectors }: Centroids): Float32Array {
  let kept = Int32Array.from({ length: count }, (_, i) => i);
  for (let round = 0; ; round++) {
    const centre = meanOf(vectors, dimension, kept);
    const distances = Float64Array.from(kept, (row) => distance(vectors, row * dimension, centre));
    const near = quantile(distances, 0.5);
    const rest = kept.filter((_, i) => distances[i]! <= FAR * near);
    if (rest.length === kept.length || rest.length === 0 || round === MAX_ROUNDS) {
      const origin = new Float32Array(dimension);
      const lengths = Float64Array.from(kept, (row) => distance(vectors, row * dimension, origin));
      return quantile(lengths, 0.5) < near ? origin : centre;
    }
    kept = rest;
  }
}

function meanOf(vectors: Float32Array, dimension: number, rows: Int32Array): Float32Array {
  const sums = new Float64Array(dimension);
  for (const row of rows)
    for (let i = 0, at = row * dimension; i < dimension; i++, at++) sums[i]! += vectors[at]! / rows.length;
  return Float32Array.from(sums);
}

/** Returns the Euclidean distance between a centre and the row that begins at `start`. */
export function distance(vectors: Float32Array, start: number, centre: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < centre.length; i++) sum += (vectors[start + i]! - centre[i]!) ** 2;
  return Math.sqrt(sum);
}

/** Returns the value that a fraction of the values is below. */
export function quantile(values: ArrayLike<number>, fraction: number): number {
  return Float64Array.from(values).sort()[Math.floor(values.length * fraction)]!;
}
