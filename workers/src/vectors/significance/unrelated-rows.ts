import type { Metric } from '../metric.ts';
import { meanOf } from './covariance.ts';
import { featureCount, featuresOf, linearForm } from './linear-form.ts';
import { RowDistances } from './row-distances.ts';

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
 * @param rows [count, D] @returns the features of the kept rows, or of all: [kept, features]
 */
export function unrelatedFeatures(metric: Metric, dimension: number, rows: Float32Array): Float32Array {
  const features = featuresOf(metric, rows, dimension);
  const count = rows.length / dimension;
  const size = featureCount(metric, dimension);
  const formOf = (row: number) => linearForm(metric, rows.subarray(row * dimension, (row + 1) * dimension));
  const featuresAt = (row: number) => features.subarray(row * size, (row + 1) * size);
  const mean = meanOf(features, size);
  const step = Math.max(1, Math.floor(count / PAIRED_ROWS));
  const paired = new RowDistances(mean, Math.ceil(count / step));
  const distances: number[] = [];
  for (let row = 0; row < count; row += step) {
    distances.push(...paired.of(formOf(row)));
    paired.add(featuresAt(row));
  }
  const limit = relativeLimit(metric, distances);
  if (!Number.isFinite(limit)) return features;
  const keptRows = new RowDistances(mean, count);
  const kept = Array.from({ length: count }, (_, row) => row).filter((row) => {
    if (keptRows.of(formOf(row)).some((distance) => distance < limit)) return false;
    keptRows.add(featuresAt(row));
    return true;
  });
  if (kept.length === count || kept.length < LEAST_SHARE * count) return features;
  const unrelated = new Float32Array(kept.length * size);
  for (const [i, row] of kept.entries()) unrelated.set(featuresAt(row), i * size);
  return unrelated;
}

/** Returns the distance below which rows are certainly related, from the middle of all distances. */
function relativeLimit(metric: Metric, distances: readonly number[]): number {
  const sorted = Float64Array.from(distances).sort();
  const at = (share: number) => sorted[Math.floor(share * sorted.length)]!;
  const [quarter, median] = [at(0.25), at(0.5)];
  // As scores do: on the logarithm of distances that begin at zero.
  if (metric === 'dot') return median - (FAR_FROM_MEDIAN / QUARTILE) * (median - quarter);
  return median * (quarter / median) ** (FAR_FROM_MEDIAN / QUARTILE);
}
