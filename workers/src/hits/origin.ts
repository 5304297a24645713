import * as z from 'zod/mini';
import { checkDocument, choice, TEXT, textWhere } from '../base/text/document.ts';
import { METRICS } from '../vectors/metric.ts';
import type { QueryPart } from './query-part.ts';

/** How hits came about: what must be the same, and what must not, of files that are merged. */
export interface HitsOrigin {
  bucket: string;
  metric: string;
  /** Hits that were asked for a query; where the bucket has fewer rows, there are fewer. */
  k: number;
  excludeSelf: boolean;
  maxDistance: number;
  /** Hash of all queries of the search, of whatever range of them. */
  queries: string;
  /** Which of these, in the order of their ids. */
  range: QueryPart;
}

/** A file of hits that may say how it came about. */
export interface KnownHits {
  path: string;
  origin: HitsOrigin | undefined;
}

/** What a file of hits carries as its metadata. */
export function originMetadata(origin: HitsOrigin): Record<string, string> {
  const { bucket, metric, k, excludeSelf, maxDistance, queries, range } = origin;
  return {
    'lanceflow.bucket': bucket,
    'lanceflow.metric': metric,
    'lanceflow.k': `${k}`,
    'lanceflow.exclude_self': `${excludeSelf}`,
    'lanceflow.max_distance': `${maxDistance}`,
    'lanceflow.queries': queries,
    'lanceflow.range': `${range.first}:${range.end}`,
  };
}

const number = (pattern: RegExp, expected: string) =>
  z.pipe(
    textWhere((text) => pattern.test(text), expected),
    z.transform(Number),
  );

/** What `originMetadata` writes. */
const ORIGIN_METADATA = z.object({
  'lanceflow.bucket': TEXT,
  'lanceflow.metric': choice(METRICS),
  'lanceflow.k': number(/^[1-9]\d{0,14}$/, 'a whole number from 1'),
  'lanceflow.exclude_self': choice(['true', 'false']),
  'lanceflow.max_distance': number(/^-?(Infinity|\d+(\.\d+)?(e[+-]?\d+)?)$/, 'a number'),
  'lanceflow.queries': TEXT,
  'lanceflow.range': textWhere(isRange, 'two positions, the first below the second: 0:1000'),
});

function isRange(text: string): boolean {
  const [, first, end] = /^(\d{1,15}):(\d{1,15})$/.exec(text) ?? [];
  return first !== undefined && Number(first) < Number(end);
}

/**
 * How the hits of a file came about.
 * @returns undefined where its metadata does not tell all of it
 * @throws what `fail` makes of a problem, where it tells what cannot be
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
    queries: origin['lanceflow.queries'],
    range: { first, end },
  };
}

/**
 * Why files cannot be merged into k neighbours a query; undefined where nothing speaks against it. Files that do not say
 * how they came about are taken as they are.
 */
export function whyNotMerged(files: readonly KnownHits[], k: number): string | undefined {
  return whyNotAlike(files, k) ?? whyCountedTwice(files);
}

/** Why files, which may be hits and true hits, are not of one campaign. */
export function whyNotAlike(files: readonly KnownHits[], k: number): string | undefined {
  let first: { path: string; origin: HitsOrigin } | undefined;
  for (const { path, origin } of files) {
    if (!origin) continue;
    first ??= { path, origin };
    const than = `${path} and ${first.path}`;
    if (origin.metric !== first.origin.metric)
      return `${than} hold distances of two metrics, ${origin.metric} and ${first.origin.metric}. Merge each by itself.`;
    if (origin.queries !== first.origin.queries)
      return `${than} are hits of two query sets: of two campaigns? Merge each by itself.`;
    if (origin.excludeSelf !== first.origin.excludeSelf || origin.maxDistance !== first.origin.maxDistance)
      return `${than} were searched with two settings of --exclude-self or --max-distance. Search one of them again.`;
    if (origin.k < k)
      return `${path} has the nearest ${origin.k} of a query, of which the nearest ${k} of all cannot be told. Search it again with --k ${k}, or merge with --k ${origin.k}.`;
  }
  return undefined;
}

/** Why hits would count double: two files have those of one bucket for the same queries. */
function whyCountedTwice(files: readonly KnownHits[]): string | undefined {
  const known = files.flatMap(({ path, origin }) => (origin ? [{ path, ...origin }] : []));
  known.sort((a, b) => (a.bucket < b.bucket ? -1 : a.bucket > b.bucket ? 1 : a.range.first - b.range.first));
  for (const [i, { path, bucket, range }] of known.entries()) {
    const before = known[i - 1];
    if (before && before.bucket === bucket && range.first < before.range.end)
      return `${before.path} and ${path} both have hits of ${bucket} for the same queries, which would count double. Name one of them.`;
  }
  return undefined;
}
