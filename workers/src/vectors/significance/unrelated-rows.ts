import type { Metric } from '../metric.ts';
import { distanceTo, featureCount, featuresOf, linearForm } from './linear-form.ts';

/** Rows by which the usual distance is known before relatives are. */
const PAIRED_ROWS = 128;
/** Rows that are nearer than the median by this many standard deviations are relatives. */
const FAR_FROM_MEDIAN = 6;
/** Standard deviations between the median and the lower quartile of a normal distribution. */
const QUARTILE = 0.6745;
/** Where fewer remain, everything is related, and the distances among relatives are the background. */
const LEAST_SHARE = 0.25;

/**
 * Keeps one row of each group of relatives: a family would widen the background of its members, so that they would not find each other.
 * @param rows [count, D] @returns [kept rows, D], or `rows`
 */
export function dropRelatives(metric: Metric, dimension: number, rows: Float32Array): Float32Array {
  const features = featuresOf(metric, rows, dimension);
  const count = rows.length / dimension;
  const formOf = (row: number) => linearForm(metric, rows.subarray(row * dimension, (row + 1) * dimension));
  const limit = relativeLimit(metric, features, count, formOf);
  if (!Number.isFinite(limit)) return rows;
  const size = featureCount(metric, dimension);
  const kept: number[] = [];
  const keptFeatures = new Float32Array(features.length);
  for (let row = 0; row < count; row++) {
    const form = formOf(row);
    let isRelative = false;
    for (let i = 0; i < kept.length && !isRelative; i++) isRelative = distanceTo(form, keptFeatures, i) < limit;
    if (isRelative) continue;
    keptFeatures.set(features.subarray(row * size, (row + 1) * size), kept.length * size);
    kept.push(row);
  }
  if (kept.length === count || kept.length < LEAST_SHARE * count) return rows;
  const unrelated = new Float32Array(kept.length * dimension);
  for (const [i, row] of kept.entries())
    unrelated.set(rows.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  return unrelated;
}

/** Returns the distance below which rows are certainly related, from the middle of all distances. */
function relativeLimit(
  metric: Metric,
  features: Float32Array,
  count: number,
  formOf: (row: number) => ReturnType<typeof linearForm>,
): number {
  const step = Math.max(1, Math.floor(count / PAIRED_ROWS));
  const distances: number[] = [];
  for (let a = 0; a < count; a += step) {
    const form = formOf(a);
    for (let b = 0; b < a; b += step) distances.push(distanceTo(form, features, b));
  }
  const sorted = Float64Array.from(distances).sort();
  const at = (share: number) => sorted[Math.floor(share * sorted.length)]!;
  const [quarter, median] = [at(0.25), at(0.5)];
  // As scores do: on the logarithm of distances that begin at zero.
  if (metric === 'dot') return median - (FAR_FROM_MEDIAN / QUARTILE) * (median - quarter);
  return median * (quarter / median) ** (FAR_FROM_MEDIAN / QUARTILE);
}
