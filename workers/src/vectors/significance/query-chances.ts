import type { Metric } from '../metric.ts';
import { featureCount, linearForm } from './linear-form.ts';
import { decodeNulls, type NullDistances } from './null-distances.ts';
import { backgroundOf, scoreOf } from './query-background.ts';
import { chanceOf, type Tail } from './tail.ts';

/** The backgrounds of queries in one bucket, in memory that threads can share. */
export interface QueryChances {
  metric: Metric;
  tail: Tail;
  locations: Float64Array;
  spreads: Float64Array;
}

/** Queries after which other work gets its turn. */
const QUERIES_AT_ONCE = 256;

/**
 * Computes the backgrounds of queries.
 * @param vectors [count, D]
 */
export async function measureBackgrounds(
  nulls: NullDistances,
  metric: Metric,
  vectors: Float32Array,
  dimension: number,
  count: number,
): Promise<QueryChances> {
  const { rows, tail } = decodeNulls(nulls, featureCount(metric, dimension));
  const locations = new Float64Array(new SharedArrayBuffer(8 * count));
  const spreads = new Float64Array(new SharedArrayBuffer(8 * count));
  for (let query = 0; query < count; query++) {
    const form = linearForm(metric, vectors.subarray(query * dimension, (query + 1) * dimension));
    const { location, spread } = backgroundOf(metric, form, rows);
    locations[query] = location;
    spreads[query] = spread;
    if (query % QUERIES_AT_ONCE === QUERIES_AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve));
  }
  return { metric, tail, locations, spreads };
}

/** Returns the chance that a vector of the bucket that is unrelated to the query is as near as this. */
export function chanceOfDistance(
  { metric, tail, locations, spreads }: QueryChances,
  query: number,
  distance: number,
): number {
  const background = { location: locations[query]!, spread: spreads[query]! };
  return chanceOf(tail, scoreOf(metric, background, distance));
}
