import { isRecord, parseJson } from '../base/text/document.ts';
import type { HitsOrigin } from './origin.ts';

const RECIPE = 'lanceflow.recipe';
const BUCKET_ROWS = 'lanceflow.bucket_rows';

/** The metadata of a file of hits. */
export interface SearchedHits {
  origin: HitsOrigin | undefined;
  /** `recipe` in the catalog entry of the searched table. */
  recipe: string | undefined;
}

/**
 * Returns metadata that identifies the searched table by its recipe. A rebuilt or reindexed table has other files and another
 * fingerprint, but the same recipe, so that equal hits have equal bytes.
 * @param bucketRows of hits with p-values: E-values follow from the searched rows of all buckets
 */
export function tableMetadata(recipe: string, bucketRows?: number): Record<string, string> {
  return { [RECIPE]: recipe, ...bucketRowsMetadata(bucketRows) };
}

/** Returns metadata of hits with p-values: the searched rows of their bucket, without deleted ones and those that the filter does not select. */
export function bucketRowsMetadata(bucketRows: number | undefined): Record<string, string> {
  return bucketRows === undefined ? {} : { [BUCKET_ROWS]: `${bucketRows}` };
}

/** Returns the searched rows of a bucket; undefined where the metadata does not have them. */
export function readBucketRows(metadata: ReadonlyMap<string, string>): number | undefined {
  const rows = Number(metadata.get(BUCKET_ROWS));
  return Number.isSafeInteger(rows) && rows >= 0 ? rows : undefined;
}

export function readRecipe(metadata: ReadonlyMap<string, string>): string | undefined {
  return metadata.get(RECIPE);
}

const BUCKETS = 'lanceflow.buckets';

/** Returns the recipes of the tables that were searched, by bucket, of the metadata of neighbours; empty if it does not have them. */
export function readTableRecipes(metadata: Readonly<Record<string, string>>): Map<string, string> {
  const recipes = parseJson(metadata[BUCKETS] ?? '');
  return new Map(isRecord(recipes) ? Object.entries(recipes).map(([bucket, recipe]) => [bucket, String(recipe)]) : []);
}

/**
 * Returns the metadata of neighbours: the request and the tables. It contains only data that determines the rows (no strategy, time, run
 * or path of the database), so that the same tables and queries give the same bytes. Empty if a file has no origin.
 * @param files hits of the same queries (`findCampaignConflict`), in any order
 * @param maxEvalue the limit that dropped neighbours; undefined: none
 */
export function neighboursMetadata(
  files: readonly SearchedHits[],
  k: number,
  maxEvalue?: number,
): Record<string, string> {
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
    ...(first.where === undefined ? {} : { 'lanceflow.where': first.where }),
    ...(maxEvalue === undefined ? {} : { 'lanceflow.max_evalue': `${maxEvalue}` }),
    'lanceflow.queries': first.queries,
    [BUCKETS]: JSON.stringify(Object.fromEntries(tables)),
  };
}

const ALIGN = 'lanceflow.align';

/** How neighbours were aligned. */
export interface AlignedBy {
  candidates: number;
  rank: 'distance' | 'alignment';
  databaseResidues: number;
  /** Rows whose residues are not known, and were assumed for `databaseResidues`. */
  assumedRows: number;
}

/** Returns metadata that says how neighbours were aligned. */
export function alignMetadata({ candidates, rank, databaseResidues, assumedRows }: AlignedBy): Record<string, string> {
  return { [ALIGN]: JSON.stringify({ candidates, rank, databaseResidues, assumedRows }) };
}

/** Returns whether alignments rank neighbours, of their metadata; false if they were not aligned. */
export function isRankedByAlignment(metadata: Readonly<Record<string, string>>): boolean {
  const settings = parseJson(metadata[ALIGN] ?? '');
  return isRecord(settings) && settings.rank === 'alignment';
}
