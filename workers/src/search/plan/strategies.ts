import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import { SEARCH_MESSAGES } from '../search-messages.ts';

export const SEARCH_MODES = ['auto', 'ann', 'scan', 'exact'] as const;
export type SearchMode = (typeof SEARCH_MODES)[number];

/** How a bucket is searched: by its index, by the nearest partitions' rows, or by all rows. */
export const SEARCH_STRATEGIES = ['ann', 'scan', 'exact'] as const satisfies readonly SearchMode[];
export type SearchStrategy = (typeof SEARCH_STRATEGIES)[number];

/** The user's choices; undefined if LanceFlow chooses. */
export interface StrategyRequest {
  k: number;
  search: SearchMode;
  nprobes: number | undefined;
  refineFactor: number | undefined;
  /** Share of the true neighbours to find, in (0, 1]. */
  targetRecall: number | undefined;
  /** Queries that fit the memory together, which may be searched in one block; default: all. */
  queriesInMemory?: number | undefined;
  /** A filter in SQL: only rows for which it is true are found. */
  where?: string | undefined;
  /** Strategies from which `auto` chooses; default: all. */
  strategies?: readonly SearchStrategy[] | undefined;
}

/** Default share of the partitions that a query probes, and the fewest partitions. */
const DEFAULT_PROBED_SHARE = 0.05;
const LEAST_NPROBES = 20;
export const DEFAULT_REFINE_FACTOR = 10;

/**
 * Returns the strategies that answer a request on a bucket. Where the bucket does not allow the requested one, or it could not
 * return k rows, the only strategy is `exact`, with a note that says why.
 */
export function possibleStrategies(
  { search, k, targetRecall, strategies: allowed }: StrategyRequest,
  entry: Pick<CatalogEntry, 'rows' | 'index' | 'partitions'>,
): { strategies: SearchStrategy[]; notes: string[] } {
  const hasIndex = entry.index.kind !== 'none';
  const exact = (...notes: string[]): { strategies: SearchStrategy[]; notes: string[] } => ({
    strategies: ['exact'],
    notes,
  });
  if (search === 'exact' || targetRecall === 1) return exact();
  if (search === 'scan' && !entry.partitions) return exact(SEARCH_MESSAGES.noPartitionOrder);
  if (search === 'ann' && !hasIndex) return exact(SEARCH_MESSAGES.noIndex);
  if (k >= entry.rows) return exact(...(search === 'auto' ? [] : [SEARCH_MESSAGES.allRowsWanted]));
  if (search !== 'auto') return { strategies: [search], notes: [] };
  // The recall of a scan can be measured before it runs; that of the index only by running it.
  const considersAnn = hasIndex && (targetRecall === undefined || !entry.partitions);
  const strategies: SearchStrategy[] = ['exact'];
  if (entry.partitions) strategies.push('scan');
  if (considersAnn) strategies.push('ann');
  return { strategies: allowed ? strategies.filter((strategy) => allowed.includes(strategy)) : strategies, notes: [] };
}

/** Returns how many partitions a query probes where the user does not say. */
export function defaultNprobes(partitionCount: number): number {
  return Math.min(
    Math.max(1, partitionCount),
    Math.max(LEAST_NPROBES, Math.ceil(partitionCount * DEFAULT_PROBED_SHARE)),
  );
}

/** The neighbours among few rows are farther away: partitions with this many times k rows hold them as surely as the default ones do otherwise. */
const FILTERED_ROWS_PER_HIT = 400;

/** Returns the same for a search with a filter. @param rows that it selects */
export function filteredNprobes(partitionCount: number, k: number, rows: number): number {
  const needed = Math.ceil((FILTERED_ROWS_PER_HIT * k * partitionCount) / Math.max(1, rows));
  return Math.min(Math.max(1, partitionCount), Math.max(defaultNprobes(partitionCount), needed));
}

/** Partitions that have this many times the wanted rows on average rarely have too few. */
const SURE_ROWS = 2;

/** Returns whether the probed partitions may well have fewer than k rows. */
export function mayLackRows(
  k: number,
  nprobes: number,
  { rows, partitions }: { rows: number; partitions: number },
): boolean {
  return (nprobes * rows) / Math.max(1, partitions) < SURE_ROWS * k;
}
