import { columnBytes, type Utf8Column } from '../base/bytes/utf8-column.ts';

/** Hits of one query, nearest first; ties are ordered by the bytes of the target's id. */
export interface RankedHits {
  /** Positions in the id column. */
  targets: number[];
  distances: number[];
}

/**
 * Ranks a query's candidates and keeps the first k.
 * @param targets for each candidate, its position in `ids`
 */
export function rankHits(
  targets: readonly number[],
  distances: ArrayLike<number>,
  ids: Utf8Column,
  k: number,
): RankedHits {
  const nearestFirst = targets.map((_, i) => i);
  nearestFirst.sort((a, b) => distances[a]! - distances[b]! || compareIds(ids, targets[a]!, targets[b]!));
  nearestFirst.length = Math.min(nearestFirst.length, k);
  return { targets: nearestFirst.map((i) => targets[i]!), distances: nearestFirst.map((i) => distances[i]!) };
}

/** Compares two rows of a column by their UTF-8 bytes. */
export function compareIds(ids: Utf8Column, a: number, b: number): number {
  return Buffer.compare(columnBytes(ids, a), columnBytes(ids, b));
}

/** Returns the positions of a column's rows in the order of their bytes. */
export function sortedIdOrder(ids: Utf8Column): Int32Array {
  const rows = ids.offsets.length - 1;
  return Int32Array.from({ length: rows }, (_, i) => i).sort((a, b) => compareIds(ids, a, b));
}
