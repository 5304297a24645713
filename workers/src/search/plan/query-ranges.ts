import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { QueryRange } from '../../hits/query-range.ts';
import { defaultNprobes, type StrategyRequest } from './strategies.ts';

/**
 * Queries whose matrix products with a table take four times as long as reading it, so that one more task costs at most a
 * quarter: 4 * 2 FLOP * rate of the cores / rate of reading, with 2 TFLOP/s and 2 GB/s. Rows and components cancel out.
 */
const QUERIES_AGAINST_READING = 8192;
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
  return Math.round(QUERIES_AGAINST_READING / Math.min(1, ...probedShares));
}

/** Divides queries into as few ranges of at most `perTask` as possible, of about the same size. */
export function divideQueries(queryCount: number, perTask: number): QueryRange[] {
  const ranges = Math.ceil(queryCount / perTask);
  const edge = (range: number) => Math.floor((range * queryCount) / ranges);
  return Array.from({ length: ranges }, (_, range) => ({ first: edge(range), end: edge(range + 1) }));
}
