import type { HitsOrigin } from './origin.ts';

const RECIPE = 'lanceflow.recipe';

/** The metadata of a file of hits. */
export interface SearchedHits {
  origin: HitsOrigin | undefined;
  /** `recipe` of the catalog entry of the table that was searched. */
  recipe: string | undefined;
}

/**
 * Returns metadata that names the table that was searched, by its recipe. Rows that are built or indexed again have other files and
 * another fingerprint, but the same recipe: equal answers then give equal bytes of hits.
 */
export function tableMetadata(recipe: string): Record<string, string> {
  return { [RECIPE]: recipe };
}

export function readRecipe(metadata: ReadonlyMap<string, string>): string | undefined {
  return metadata.get(RECIPE);
}

/**
 * Returns the metadata of neighbours: the question and the tables. It holds only what decides the rows (no strategy, time, run or
 * path of the database), so the same tables and queries give the same bytes. Empty where a file has no origin.
 * @param files hits of the same queries (`findCampaignConflict`), in any order
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
