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
 * Creates a function that replaces the p-values of neighbours, their only extra column, by E-values. These do not fall with the rank: a
 * neighbour has at least that of the ones before. Batches come in order, sorted by query and rank.
 * @param databaseRows of all searched buckets
 * @param maxEvalue neighbours above it are dropped
 * @param dropped gets the queries that thereby lose all neighbours
 */
export function createEvalues(
  databaseRows: number,
  maxEvalue = Number.POSITIVE_INFINITY,
  dropped: DroppedQueries = { count: 0, first: [] },
): (batch: NeighbourColumns) => NeighbourColumns {
  let query: Texts | undefined;
  let last = 0;
  return (batch) => {
    const { values: chances } = batch.extra![0] as { values: Float32Array };
    const queries = textsOf(batch.queryIds);
    const rows = hitRows(batch);
    const values = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      const [before, at] = row > 0 ? [queries, row - 1] : [query, 0];
      const isSame = before !== undefined && sameText(before, at, queries, row);
      last = Math.max(isSame ? last : 0, databaseRows * chances[row]!);
      // More digits would pretend precision.
      values[row] = Number(last.toPrecision(3));
    }
    if (rows > 0) query = copyText(queries, rows - 1);
    const converted = { ...batch, extra: [{ values }] };
    if (maxEvalue === Number.POSITIVE_INFINITY) return converted;
    const kept = createNeighbourBuilder({ rows, bytes: Number.POSITIVE_INFINITY }, [EVALUE]);
    const hits = hitsOf(converted);
    for (const [row, evalue] of values.entries()) {
      if (isSignificant(evalue, maxEvalue)) kept.push(hits, row, batch.ranks[row]!);
      else if (batch.ranks[row] === 1) addDropped(dropped, batch, row, evalue);
    }
    return kept.take();
  };
}

/** Returns whether an E-value is at most the largest one allowed. As float32, 0.1 is above 0.1, so both are rounded. */
export function isSignificant(evalue: number, maxEvalue: number): boolean {
  return Math.fround(evalue) <= Math.fround(maxEvalue);
}

/** Adds the query of a nearest target that is dropped: the others, which have at least its E-value, are dropped too. */
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
