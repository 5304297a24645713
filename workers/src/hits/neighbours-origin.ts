import type { HitsOrigin } from './origin.ts';

const RECIPE = 'lanceflow.recipe';

/** A file of hits, as far as its metadata tells. */
export interface SearchedHits {
  origin: HitsOrigin | undefined;
  /** `recipe` of the catalog entry of the table that was searched. */
  recipe: string | undefined;
}

/**
 * What a file of hits says of the table that was searched: of what its rows were made. The same rows that are built or indexed again
 * have other files, and another fingerprint, but the same recipe, and so give the same bytes of hits where their answers are equal.
 */
export function tableMetadata(recipe: string): Record<string, string> {
  return { [RECIPE]: recipe };
}

export function readRecipe(metadata: ReadonlyMap<string, string>): string | undefined {
  return metadata.get(RECIPE);
}

/**
 * Metadata of neighbours: what was asked, and of which tables. Only what decides the rows, so the same tables and queries give
 * the same bytes: how a table was searched, when, by which run and where the database lies is not there. Empty where a file
 * does not say how it came about.
 * @param files hits of the same queries (`whyNotAlike`), in any order
 */
export function neighboursMetadata(files: readonly SearchedHits[], k: number): Record<string, string> {
  const known = files.flatMap(({ origin, recipe }) => (origin && recipe !== undefined ? [{ origin, recipe }] : []));
  const first = known[0]?.origin;
  if (!first || known.length < files.length) return {};
  const tables = known.map(({ origin, recipe }) => [origin.bucket, recipe] as const);
  tables.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return {
    'lanceflow.metric': first.metric,
    'lanceflow.k': `${k}`,
    'lanceflow.exclude_self': `${first.excludeSelf}`,
    'lanceflow.max_distance': `${first.maxDistance}`,
    'lanceflow.queries': first.queries,
    'lanceflow.buckets': JSON.stringify(Object.fromEntries(tables)),
  };
}
