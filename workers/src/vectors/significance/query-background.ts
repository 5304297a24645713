import type { Metric } from '../metric.ts';
import type { Covariance } from './covariance.ts';
import { type LinearForm, productAt } from './linear-form.ts';

/**
 * Where the distances of a query to unrelated rows lie. The score of a distance is (location - f(distance)) / spread, where f is the
 * logarithm for distances that begin at zero: these are products of many factors more nearly than sums, and near zero each halving counts.
 */
export interface QueryBackground {
  location: number;
  spread: number;
}

/** A distance counts as at least this share of the query's mean distance: below, it is rounding. */
const LEAST_SHARE = 1e-6;

/** Whether scores are of the logarithm of distances. */
const isLogarithmic = (metric: Metric) => metric !== 'dot';

/** Computes the background of a query from the mean and the covariance of the rows' features. */
export function backgroundOf(metric: Metric, { constant, weights }: LinearForm, rows: Covariance): QueryBackground {
  const features = weights.length;
  const mean = constant + productAt(weights, rows.mean, 0);
  const rank = rows.factors.length / features - 1;
  let variance = 0;
  for (let k = 0; k < rank; k++) variance += productAt(weights, rows.factors, k * features) ** 2;
  for (let i = 0, at = rank * features; i < features; i++, at++) variance += (weights[i]! * rows.factors[at]!) ** 2;
  if (!isLogarithmic(metric)) return { location: mean, spread: Math.sqrt(variance) };
  if (!(mean > 0)) return { location: Number.NaN, spread: Number.NaN };
  // Moments of the lognormal distribution (https://en.wikipedia.org/wiki/Log-normal_distribution#Arithmetic_moments).
  const spread = Math.sqrt(Math.log1p(variance / mean ** 2));
  return { location: Math.log(mean) - spread ** 2 / 2, spread };
}

/** Returns how much nearer a distance is than the query's background; NaN where all rows are equally far. */
export function scoreOf(metric: Metric, { location, spread }: QueryBackground, distance: number): number {
  const value = isLogarithmic(metric)
    ? Math.log(Math.max(distance, LEAST_SHARE * Math.exp(location + spread ** 2 / 2)))
    : distance;
  return spread > 0 ? (location - value) / spread : Number.NaN;
}
