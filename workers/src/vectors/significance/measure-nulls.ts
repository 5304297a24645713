import { seededRandom } from '../../base/random.ts';
import type { Metric } from '../metric.ts';
import { covarianceOf } from './covariance.ts';
import { featureCount, linearForm } from './linear-form.ts';
import { encodeNulls, type NullDistances, type NullHistogram, type NullModel } from './null-distances.ts';
import { backgroundOf, scoreOf } from './query-background.ts';
import { RowDistances } from './row-distances.ts';
import { fitTail } from './tail.ts';
import { unrelatedFeatures } from './unrelated-rows.ts';

/** Most rows whose mean and covariance are measured, and most others that are their queries. */
const [MOST_ROWS, MOST_QUERIES] = [1024, 256];
/** A sample of a small bucket is this share of it, so that measuring stays a small part of its build. */
const SAMPLED_SHARE = 1 / 16;
const LEAST_SAMPLE = 512;
/** Fewer rows have no background. */
const LEAST_ROWS = 16;
/** Directions of the covariance, and rows that each needs. */
const [RANK, ROWS_PER_DIRECTION] = [32, 16];
const BINS = 48;
const SEED = 0x7a11;

/** Rows to sample from a bucket. */
export interface NullSample {
  /** Positions of rows, ascending: the mean and covariance are those of these. */
  rows: number[];
  /** Positions of other rows, which are their queries: a row would find itself in the covariance. */
  queries: number[];
}

/** Draws the rows to measure a bucket by: evenly spread, so that every partition has its share, at seeded positions. */
export function drawNullSample(bucketRows: number): NullSample {
  if (bucketRows < LEAST_ROWS) return { rows: [], queries: [] };
  const wanted = Math.max(LEAST_SAMPLE, Math.floor(bucketRows * SAMPLED_SHARE));
  const count = Math.min(bucketRows, wanted, MOST_ROWS + MOST_QUERIES);
  const queryCount = Math.min(MOST_QUERIES, Math.floor(count / 4));
  const random = seededRandom(SEED);
  const step = bucketRows / count;
  const positions = Array.from({ length: count }, (_, i) =>
    Math.min(Math.floor((i + 1) * step) - 1, Math.floor(i * step + random() * step)),
  );
  const isQuery = (i: number) => Math.floor(((i + 1) * queryCount) / count) > Math.floor((i * queryCount) / count);
  return { rows: positions.filter((_, i) => !isQuery(i)), queries: positions.filter((_, i) => isQuery(i)) };
}

/**
 * Measures how far unrelated vectors of a bucket are from each other: from the mean and covariance of sampled rows follows where the
 * distances of any query lie; the tail is that of the pairs of other rows with them.
 * @param rows [count, D] of `NullSample.rows` @param queries [count, D] of `NullSample.queries`
 */
export function measureNulls(
  metric: Metric,
  dimension: number,
  rows: Float32Array,
  queries: Float32Array,
): NullDistances {
  const features = featureCount(metric, dimension);
  const count = rows.length / dimension;
  const queryCount = queries.length / dimension;
  const none = () => encodeNulls(noNulls(features), 0, { from: 0, to: 0, counts: [] });
  if (count === 0) return none();
  const unrelated = unrelatedFeatures(metric, dimension, rows);
  const compared = unrelated.length / features;
  const rank = Math.min(RANK, features, Math.floor(compared / ROWS_PER_DIRECTION));
  const covariance = covarianceOf(unrelated.slice(), features, rank);
  const nearby = new RowDistances(covariance.mean, compared);
  for (let at = 0; at < unrelated.length; at += features) nearby.add(unrelated.subarray(at, at + features));
  const distances = new Float64Array(queryCount * compared);
  const scores = new Float64Array(distances.length);
  let at = 0;
  for (let query = 0; query < queryCount; query++) {
    const form = linearForm(metric, queries.subarray(query * dimension, (query + 1) * dimension));
    const background = backgroundOf(metric, form, covariance);
    for (const distance of nearby.of(form)) {
      distances[at] = distance;
      const score = scoreOf(metric, background, distance);
      scores[at++] = Number.isNaN(score) ? 0 : score;
    }
  }
  const nulls = { rows: covariance, tail: fitTail(scores) };
  // Squares of the longest vectors exceed float32.
  if (![...covariance.mean, ...covariance.factors, ...Object.values(nulls.tail)].every(Number.isFinite)) return none();
  return encodeNulls(nulls, count + queryCount, histogramOf(distances));
}

/** The null distribution of a bucket without one: every chance is 1. */
function noNulls(features: number): NullModel {
  const rows = { mean: new Float32Array(features), factors: new Float32Array(features) };
  return { rows, tail: { start: 0, share: 1, scale: 1, shape: 1 } };
}

function histogramOf(distances: Float64Array): NullHistogram {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const distance of distances) {
    if (distance < from) from = distance;
    if (distance > to) to = distance;
  }
  if (!(to > from)) return { from: 0, to: 0, counts: [] };
  const counts = new Array<number>(BINS).fill(0);
  for (const distance of distances) counts[Math.min(BINS - 1, Math.floor((BINS * (distance - from)) / (to - from)))]!++;
  return { from, to, counts };
}
