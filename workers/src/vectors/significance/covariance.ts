import { seededRandom } from '../../base/random.ts';
import { RowProducts } from './row-products.ts';

/** The mean of rows, and their covariance: the sum of `rank` outer products and a diagonal. */
export interface Covariance {
  /** [D] */
  mean: Float32Array;
  /** [rank + 1, D]; the last row is the square root of the diagonal. */
  factors: Float32Array;
}

/** Passes over the rows. The directions of the largest variances need few, because they need not be exact: the diagonal has the rest. */
const PASSES = 2;
const SEED = 0x5eed;

/**
 * Estimates the covariance of rows by the directions of their largest variances (subspace iteration) and the variance of each
 * component outside of these.
 * @param rows [count, D]; changed: the mean is subtracted
 */
export function covarianceOf(rows: Float32Array, dimension: number, rank: number): Covariance {
  const count = rows.length / dimension;
  const mean = meanOf(rows, dimension);
  subtractFromAll(rows, mean);
  const products = new RowProducts(count, dimension);
  for (let at = 0; at < rows.length; at += dimension) products.add(rows.subarray(at, at + dimension));
  let directions = randomDirections(rank, dimension);
  for (let pass = 0; pass < PASSES; pass++) {
    orthonormalize(directions);
    directions = directions.map((direction) => project(rows, products, direction));
  }
  orthonormalize(directions);
  const factors = new Float32Array((rank + 1) * dimension);
  const roots = choleskyOf(covarianceWithin(products, directions));
  for (let factor = 0; factor < rank; factor++)
    for (let j = factor; j < rank; j++) {
      const share = roots[j]![factor]!;
      const direction = directions[j]!;
      for (let i = 0; i < dimension; i++) factors[factor * dimension + i]! += share * direction[i]!;
    }
  writeDiagonal(rows, count, dimension, rank, factors);
  return { mean, factors };
}

/** Computes the mean of rows. @param rows [count, D] @returns [D] */
export function meanOf(rows: Float32Array, dimension: number): Float32Array {
  const sums = new Float64Array(dimension);
  for (let at = 0; at < rows.length; at += dimension) for (let i = 0; i < dimension; i++) sums[i]! += rows[at + i]!;
  return Float32Array.from(sums, (sum) => (sum * dimension) / rows.length);
}

function subtractFromAll(rows: Float32Array, mean: Float32Array): void {
  const dimension = mean.length;
  for (let at = 0; at < rows.length; at += dimension) for (let i = 0; i < dimension; i++) rows[at + i]! -= mean[i]!;
}

function randomDirections(rank: number, dimension: number): Float64Array[] {
  const random = seededRandom(SEED);
  return Array.from({ length: rank }, () => Float64Array.from({ length: dimension }, () => random() - 0.5));
}

/** Makes directions orthogonal and of unit length (Gram and Schmidt, twice for precision); those that depend on earlier ones become zero. */
function orthonormalize(directions: readonly Float64Array[]): void {
  for (const [k, direction] of directions.entries()) {
    const before = Math.sqrt(dot(direction, direction));
    for (let round = 0; round < 2; round++)
      for (const earlier of directions.slice(0, k)) {
        const share = dot(direction, earlier);
        for (let i = 0; i < direction.length; i++) direction[i]! -= share * earlier[i]!;
      }
    const length = Math.sqrt(dot(direction, direction));
    const scale = length > 1e-9 * before ? 1 / length : 0;
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  }
}

/** Multiplies a direction by the rows' covariance, up to a factor. */
function project(rows: Float32Array, products: RowProducts, direction: Float64Array): Float64Array {
  const dimension = direction.length;
  const sums = new Float64Array(dimension);
  for (const [row, share] of products.of(direction).entries())
    for (let i = 0, at = row * dimension; i < dimension; i++, at++) sums[i]! += share * rows[at]!;
  return sums;
}

/** Returns the covariance of the rows' coordinates along directions. */
function covarianceWithin(products: RowProducts, directions: readonly Float64Array[]): Float64Array[] {
  const along = directions.map((direction) => Float64Array.from(products.of(direction)));
  return along.map((a) => Float64Array.from(along, (b) => dot(a, b) / products.count));
}

/** Returns the lower triangle whose product with its transpose is the matrix; zeros in columns without variance. */
function choleskyOf(matrix: readonly Float64Array[]): Float64Array[] {
  const roots = matrix.map((row) => new Float64Array(row.length));
  const least = 1e-12 * Math.max(...matrix.map((row, k) => row[k]!), 0);
  for (let k = 0; k < matrix.length; k++) {
    let left = matrix[k]![k]!;
    for (let j = 0; j < k; j++) left -= roots[k]![j]! ** 2;
    if (!(left > least)) continue;
    const root = Math.sqrt(left);
    roots[k]![k] = root;
    for (let below = k + 1; below < matrix.length; below++) {
      let value = matrix[below]![k]!;
      for (let j = 0; j < k; j++) value -= roots[below]![j]! * roots[k]![j]!;
      roots[below]![k] = value / root;
    }
  }
  return roots;
}

function writeDiagonal(
  rows: Float32Array,
  count: number,
  dimension: number,
  rank: number,
  factors: Float32Array,
): void {
  for (let i = 0; i < dimension; i++) {
    let variance = 0;
    for (let row = 0; row < count; row++) variance += rows[row * dimension + i]! ** 2 / count;
    for (let k = 0; k < rank; k++) variance -= factors[k * dimension + i]! ** 2;
    factors[rank * dimension + i] = Math.sqrt(Math.max(0, variance));
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
