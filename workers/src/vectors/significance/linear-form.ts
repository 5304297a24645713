import { innerProduct, lengthOf } from '../kmeans.ts';
import type { Metric } from '../metric.ts';

/**
 * Every metric's distance is linear in features of the row: constant + weights . features. So the mean and the variance of a query's
 * distances to all rows follow from the mean and the covariance of the rows' features.
 */
export interface LinearForm {
  constant: number;
  /** [featureCount] */
  weights: Float64Array;
}

/** Returns the number of features of a row: its components, and under l2 its squared length. */
export function featureCount(metric: Metric, dimension: number): number {
  return metric === 'l2' ? dimension + 1 : dimension;
}

/** Computes the features of rows. @param vectors [rows, D] @returns [rows, featureCount] */
export function featuresOf(metric: Metric, vectors: Float32Array, dimension: number): Float32Array {
  const count = featureCount(metric, dimension);
  const rows = vectors.length / dimension;
  const features = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    const vector = vectors.subarray(row * dimension, (row + 1) * dimension);
    const scale = metric === 'cosine' ? 1 / (lengthOf(vector) || 1) : 1;
    for (let i = 0; i < dimension; i++) features[row * count + i] = vector[i]! * scale;
    if (metric === 'l2') features[row * count + dimension] = innerProduct(vector, vector);
  }
  return features;
}

/** Returns a query's distance as a function of a row's features. */
export function linearForm(metric: Metric, query: Float32Array): LinearForm {
  const weights = new Float64Array(featureCount(metric, query.length));
  const scale = metric === 'l2' ? -2 : metric === 'cosine' ? -1 / (lengthOf(query) || 1) : -1;
  for (let i = 0; i < query.length; i++) weights[i] = scale * query[i]!;
  if (metric !== 'l2') return { constant: 1, weights };
  weights[query.length] = 1;
  return { constant: innerProduct(query, query), weights };
}

/** Computes the inner product of `weights` and as many values from `start`. */
export function productAt(weights: Float64Array, values: Float32Array, start: number): number {
  // Four sums: each addition would wait for the one before.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = weights.length & ~3;
  for (let i = 0, at = start; i < whole; i += 4, at += 4) {
    a += weights[i]! * values[at]!;
    b += weights[i + 1]! * values[at + 1]!;
    c += weights[i + 2]! * values[at + 2]!;
    d += weights[i + 3]! * values[at + 3]!;
  }
  for (let i = whole; i < weights.length; i++) a += weights[i]! * values[start + i]!;
  return a + b + (c + d);
}
