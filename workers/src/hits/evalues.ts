import { columnText } from '../base/bytes/utf8-column.ts';
import { createNeighbourBuilder } from './builder.ts';
import { copyText, hitRows, hitsOf, type NeighbourColumns, sameText, type Texts, textsOf } from './columns.ts';
import type { ExtraField } from './extra-column.ts';

/** The column of hits with the chance that an unrelated vector of their bucket is as near to the query. */
export const P_VALUE: ExtraField = { name: 'p_value', type: 'float32' };
/** The column of neighbours with the number of targets of the whole database that would be as near by chance. */
export const EVALUE: ExtraField = { name: 'evalue', type: 'float32' };

/** Number of queries without neighbours that are listed: as many as the report shows. */
export const LISTED_QUERIES = 500;

/** Queries whose neighbours all have a larger E-value than the largest one allowed. */
export interface DroppedQueries {
  count: number;
  /** The first of them, in the order of their ids, with their nearest target. */
  first: Array<{ query: string; target: string; bucket: string; distance: number; evalue: number }>;
}

/**
 * Creates a function that replaces the p-values of neighbours, their first extra column, by E-values. Each is judged by its own bucket, so
 * where buckets differ, an E-value may be below that of a nearer neighbour. Batches come in order, sorted by query and rank.
 * @param databaseRows of all searched buckets
 * @param maxEvalue neighbours above it are dropped; the ranks of the others count from 1
 * @param dropped gets the queries that thereby lose all neighbours
 * @param others extra columns after the first, which stay
 */
export function createEvalues(
  databaseRows: number,
  maxEvalue = Number.POSITIVE_INFINITY,
  dropped: DroppedQueries = { count: 0, first: [] },
  others: readonly ExtraField[] = [],
): (batch: NeighbourColumns) => NeighbourColumns {
  let query: Texts | undefined;
  let keptOfQuery = 0;
  return (batch) => {
    const [first, ...rest] = batch.extra!;
    const { values: chances } = first as { values: Float32Array };
    // More digits would pretend precision.
    const values = chances.map((chance) => Number((databaseRows * chance).toPrecision(3)));
    const converted = { ...batch, extra: [{ values }, ...rest] };
    if (maxEvalue === Number.POSITIVE_INFINITY) return converted;
    const rows = hitRows(batch);
    const kept = createNeighbourBuilder({ rows, bytes: Number.POSITIVE_INFINITY }, [EVALUE, ...others]);
    const hits = hitsOf(converted);
    const queries = textsOf(batch.queryIds);
    for (const [row, evalue] of values.entries()) {
      const [before, at] = row > 0 ? [queries, row - 1] : [query, 0];
      if (before === undefined || !sameText(before, at, queries, row)) keptOfQuery = 0;
      const isNearest = batch.ranks[row] === 1;
      if (isSignificant(evalue, maxEvalue)) {
        if (keptOfQuery === 0 && !isNearest) removeLast(dropped);
        kept.push(hits, row, ++keptOfQuery);
      } else if (isNearest) addDropped(dropped, batch, row, evalue);
    }
    if (rows > 0) query = copyText(queries, rows - 1);
    return kept.take();
  };
}

/** Returns whether an E-value is at most the largest one allowed. As float32, 0.1 is above 0.1, so both are rounded. */
export function isSignificant(evalue: number, maxEvalue: number): boolean {
  return Math.fround(evalue) <= Math.fround(maxEvalue);
}

/** Adds the query of a nearest target that is dropped. */
function addDropped(dropped: DroppedQueries, batch: NeighbourColumns, row: number, evalue: number): void {
  if (++dropped.count > LISTED_QUERIES) return;
  dropped.first.push({
    query: columnText(batch.queryIds, row),
    target: columnText(batch.targetIds, row),
    bucket: columnText(batch.buckets, row),
    distance: batch.distances[row]!,
    evalue: Number(evalue.toPrecision(3)),
  });
}

/** Removes the query that was added last: it has another neighbour. */
function removeLast(dropped: DroppedQueries): void {
  dropped.count--;
  if (dropped.first.length > dropped.count) dropped.first.pop();
}
