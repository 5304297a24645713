import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { QueryRange } from '../../hits/query-range.ts';
import { defaultNprobes, type SearchStrategy, type StrategyRequest } from './strategies.ts';

/**
 * Queries whose matrix products with a table take four times as long as reading it, so that one more task costs at most a
 * quarter: 4 * 2 FLOP * rate of the cores / rate of reading, with 2 TFLOP/s and 2 GB/s. Rows and components cancel out.
 */
const QUERIES_AGAINST_READING = 8192;
/** Queries that keep all cores busy. A block has no fewer: more blocks would only read the table more often. */
export const LEAST_BLOCK_QUERIES = 65_536;
/** Queries that the index answers in the time in which a task fetches its bucket. */
const INDEX_QUERIES = 1_000_000;

/**
 * Returns the fewest queries a task with which several tasks finish sooner than one: each task reads the bucket once, which must
 * not take most of its time. The figures are fixed, so the division is the same in every run.
 */
export function queriesPerTask(
  { search, nprobes }: Pick<StrategyRequest, 'search' | 'nprobes'>,
  entries: readonly Pick<CatalogEntry, 'partitions'>[],
): number {
  if (search === 'ann') return INDEX_QUERIES;
  if (search === 'exact') return QUERIES_AGAINST_READING;
  const probedShares = entries.map(({ partitions }) =>
    partitions ? Math.min(1, (nprobes ?? defaultNprobes(partitions.count)) / partitions.count) : 1,
  );
  return queriesAgainstReading(Math.min(1, ...probedShares));
}

/**
 * Returns the queries of a block, which share one pass over the table: as few as let reading take at most a quarter of the computing,
 * because a killed search repeats its last block. The index reads its own parts for each query, so its blocks are the smallest.
 * @param probedShare share of the rows that a query is compared with
 * @param queriesInMemory the most queries that fit
 */
export function queriesPerBlock(strategy: SearchStrategy, probedShare: number, queriesInMemory: number): number {
  const shared = strategy === 'ann' ? 0 : queriesAgainstReading(probedShare);
  return Math.min(queriesInMemory, Math.max(LEAST_BLOCK_QUERIES, shared));
}

/** A query that is compared with fewer rows computes less for the same read. */
function queriesAgainstReading(probedShare: number): number {
  return Math.round(QUERIES_AGAINST_READING / probedShare);
}

/** Divides queries into as few ranges of at most `perTask` as possible, of about the same size. */
export function divideQueries(queryCount: number, perTask: number): QueryRange[] {
  const ranges = Math.ceil(queryCount / perTask);
  const edge = (range: number) => Math.floor((range * queryCount) / ranges);
  return Array.from({ length: ranges }, (_, range) => ({ first: edge(range), end: edge(range + 1) }));
}
