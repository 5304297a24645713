import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { QueryPart } from '../../hits/query-part.ts';
import { defaultNprobes, type SearchRequest } from './choose.ts';

/**
 * Queries whose matrix products with a table take four times as long as reading it, so that a part more costs at most a
 * quarter: 4 * 2 FLOP * rate of the cores / rate of reading, with 2 TFLOP/s and 2 GB/s. Rows and components cancel out.
 */
const QUERIES_AGAINST_READING = 8192;
/** The index answers so many in the time in which a task gets its bucket. */
const INDEX_QUERIES = 1_000_000;

/**
 * The least queries a task that finish sooner in several tasks: reading the bucket once a task must not be what takes the
 * time. Fixed figures, so that the division does not change from run to run.
 */
export function queriesPerTask(
  { search, nprobes }: Pick<SearchRequest, 'search' | 'nprobes'>,
  entries: readonly Pick<CatalogEntry, 'partitions'>[],
): number {
  if (search === 'ann') return INDEX_QUERIES;
  if (search === 'exact') return QUERIES_AGAINST_READING;
  const shares = entries.map(({ partitions }) =>
    partitions ? Math.min(1, (nprobes ?? defaultNprobes(partitions.count)) / partitions.count) : 1,
  );
  return Math.round(QUERIES_AGAINST_READING / Math.min(1, ...shares));
}

/** Divides queries into as few parts of at most `perTask` as there can be, of about the same size. */
export function divideQueries(queries: number, perTask: number): QueryPart[] {
  const count = Math.ceil(queries / perTask);
  const edge = (part: number) => Math.floor((part * queries) / count);
  return Array.from({ length: count }, (_, part) => ({ first: edge(part), end: edge(part + 1) }));
}
