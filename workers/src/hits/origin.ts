import * as z from 'zod/mini';
import { checkDocument, choice, TEXT, textWhere } from '../base/text/document.ts';
import { METRICS } from '../vectors/metric.ts';
import { HIT_MESSAGES } from './hit-messages.ts';
import type { QueryRange } from './query-range.ts';

/** The search that wrote a file of hits. It determines which files can be merged. */
export interface HitsOrigin {
  bucket: string;
  metric: string;
  /** Requested hits per query; a bucket with fewer rows returns fewer. */
  k: number;
  excludeSelf: boolean;
  maxDistance: number;
  /** The filter; undefined: none. */
  where?: string | undefined;
  /** Hash of all queries of the campaign, whatever the range. */
  queries: string;
  /** The searched range of these queries. */
  range: QueryRange;
}

/** A file of hits, with its origin if the writer recorded it. */
export interface KnownHits {
  path: string;
  origin: HitsOrigin | undefined;
}

/** Returns the metadata of a file of hits. */
export function originMetadata(origin: HitsOrigin): Record<string, string> {
  const { bucket, metric, k, excludeSelf, maxDistance, where, queries, range } = origin;
  return {
    'lanceflow.bucket': bucket,
    'lanceflow.metric': metric,
    'lanceflow.k': `${k}`,
    'lanceflow.exclude_self': `${excludeSelf}`,
    'lanceflow.max_distance': `${maxDistance}`,
    ...(where === undefined ? {} : { 'lanceflow.where': where }),
    'lanceflow.queries': queries,
    'lanceflow.range': `${range.first}:${range.end}`,
  };
}

const number = (pattern: RegExp, expected: string) =>
  z.pipe(
    textWhere((text) => pattern.test(text), expected),
    z.transform(Number),
  );

/** The metadata that `originMetadata` returns. */
const ORIGIN_METADATA = z.object({
  'lanceflow.bucket': TEXT,
  'lanceflow.metric': choice(METRICS),
  'lanceflow.k': number(/^[1-9]\d{0,14}$/, 'a whole number from 1'),
  'lanceflow.exclude_self': choice(['true', 'false']),
  'lanceflow.max_distance': number(/^-?(Infinity|\d+(\.\d+)?(e[+-]?\d+)?)$/, 'a number'),
  'lanceflow.where': z.optional(TEXT),
  'lanceflow.queries': TEXT,
  'lanceflow.range': textWhere(isRange, 'two positions, the first below the second: 0:1000'),
});

function isRange(text: string): boolean {
  const [, first, end] = /^(\d{1,15}):(\d{1,15})$/.exec(text) ?? [];
  return first !== undefined && Number(first) < Number(end);
}

/**
 * Reads the origin of a file of hits from its metadata.
 * @returns undefined if the metadata is incomplete
 * @throws the error that `fail` returns, if a value is invalid
 */
export function readOrigin(
  metadata: ReadonlyMap<string, string>,
  fail: (problem: string) => Error,
): HitsOrigin | undefined {
  checkDocument(z.partial(ORIGIN_METADATA), Object.fromEntries(metadata), fail);
  const { success, data: origin } = z.safeParse(ORIGIN_METADATA, Object.fromEntries(metadata));
  if (!success) return undefined;
  const [first, end] = origin['lanceflow.range'].split(':').map(Number) as [number, number];
  return {
    bucket: origin['lanceflow.bucket'],
    metric: origin['lanceflow.metric'],
    k: origin['lanceflow.k'],
    excludeSelf: origin['lanceflow.exclude_self'] === 'true',
    maxDistance: origin['lanceflow.max_distance'],
    where: origin['lanceflow.where'],
    queries: origin['lanceflow.queries'],
    range: { first, end },
  };
}

/**
 * Finds the reason why files cannot be merged into k neighbours per query. Files without an origin are accepted.
 * @returns a message; undefined if they can be merged
 */
export function findMergeConflict(files: readonly KnownHits[], k: number): string | undefined {
  return findCampaignConflict(files, k) ?? findCountedTwice(files);
}

/** Finds the reason why files of hits, or of ground truth, do not belong to one campaign. @returns a message, or undefined */
export function findCampaignConflict(files: readonly KnownHits[], k: number): string | undefined {
  let first: { path: string; origin: HitsOrigin } | undefined;
  for (const { path, origin } of files) {
    if (!origin) continue;
    first ??= { path, origin };
    const paths = `${path} and ${first.path}`;
    if (origin.metric !== first.origin.metric)
      return HIT_MESSAGES.twoMetrics(paths, [origin.metric, first.origin.metric]);
    if (origin.queries !== first.origin.queries) return HIT_MESSAGES.twoQuerySets(paths);
    if (origin.excludeSelf !== first.origin.excludeSelf || origin.maxDistance !== first.origin.maxDistance)
      return HIT_MESSAGES.twoFilters(paths);
    if (origin.where !== first.origin.where) return HIT_MESSAGES.twoWheres(paths);
    if (origin.k < k) return HIT_MESSAGES.kTooSmall(path, origin.k, k);
  }
  return undefined;
}

/** Finds two files with hits of the same bucket for the same queries. @returns a message, or undefined */
function findCountedTwice(files: readonly KnownHits[]): string | undefined {
  const known = files.flatMap(({ path, origin }) => (origin ? [{ path, ...origin }] : []));
  known.sort((a, b) => (a.bucket < b.bucket ? -1 : a.bucket > b.bucket ? 1 : a.range.first - b.range.first));
  for (const [i, { path, bucket, range }] of known.entries()) {
    const before = known[i - 1];
    if (before && before.bucket === bucket && range.first < before.range.end)
      return HIT_MESSAGES.countedTwice(before.path, path, bucket);
  }
  return undefined;
}
