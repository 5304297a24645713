import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';

export const SEARCH_MODES = ['auto', 'ann', 'scan', 'exact'] as const;
export type SearchMode = (typeof SEARCH_MODES)[number];

/** Ways of searching a bucket. */
export const WAYS = ['ann', 'scan', 'exact'] as const satisfies readonly SearchMode[];
export type Way = (typeof WAYS)[number];

/** What the user asked for; undefined where it is LanceFlow's to choose. */
export interface SearchRequest {
  k: number;
  search: SearchMode;
  nprobes: number | undefined;
  refineFactor: number | undefined;
  /** Share of the true neighbours to find, in (0, 1]. */
  targetRecall: number | undefined;
  /** `auto` takes one of these; any where not given. */
  among?: readonly Way[] | undefined;
}

/** Share of the partitions that is probed where nothing is asked for, and the least of them. */
const DEFAULT_PROBED_SHARE = 0.05;
const LEAST_NPROBES = 20;
export const DEFAULT_REFINE_FACTOR = 10;

/**
 * The ways in which a bucket can be searched for what was asked; where one was asked for that the bucket does not
 * allow, or that would not answer, `exact`, with a word.
 */
export function possibleWays(
  { search, k, targetRecall, among }: SearchRequest,
  entry: Pick<CatalogEntry, 'rows' | 'index' | 'partitions'>,
): { ways: Way[]; notes: string[] } {
  const hasIndex = entry.index.kind !== 'none';
  const exact = (...notes: string[]): { ways: Way[]; notes: string[] } => ({ ways: ['exact'], notes });
  if (search === 'exact' || targetRecall === 1) return exact();
  if (search === 'scan' && !entry.partitions)
    return exact('the table has no partition order; all of it is read (exact)');
  if (search === 'ann' && !hasIndex) return exact('the table has no index; all of it is read (exact)');
  if (k >= entry.rows)
    return exact(...(search === 'auto' ? [] : ['k is at least the number of rows; all are read (exact)']));
  if (search !== 'auto') return { ways: [search], notes: [] };
  // The recall of a scan can be measured before it is run; that of the index only by running it.
  const annToo = hasIndex && (targetRecall === undefined || !entry.partitions);
  const ways: Way[] = ['exact', ...(entry.partitions ? ['scan' as const] : []), ...(annToo ? ['ann' as const] : [])];
  return { ways: among ? ways.filter((way) => among.includes(way)) : ways, notes: [] };
}

/** Partitions to look into where the user does not say. */
export function defaultNprobes(partitionCount: number): number {
  return Math.min(
    Math.max(1, partitionCount),
    Math.max(LEAST_NPROBES, Math.ceil(partitionCount * DEFAULT_PROBED_SHARE)),
  );
}
