import { columnLength, type Utf8Column } from './utf8-column.ts';

/** Rows of hits, column by column; every column has one entry a row. */
export interface HitColumns {
  readonly queryIds: Utf8Column;
  readonly targetIds: Utf8Column;
  readonly distances: Float32Array;
  readonly buckets: Utf8Column;
}

/** Rows of neighbours: hits with their rank, from 1, among their query's. */
export interface NeighbourColumns extends HitColumns {
  readonly ranks: Int32Array;
}

/** Number of rows. */
export function hitRows(hits: HitColumns): number {
  return columnLength(hits.queryIds);
}

/** A column of the same text in every row. */
export function repeatText(text: string, rows: number): Utf8Column {
  const one = new TextEncoder().encode(text);
  const offsets = Int32Array.from({ length: rows + 1 }, (_, row) => row * one.length);
  const bytes = new Uint8Array(rows * one.length);
  for (let row = 0; row < rows; row++) bytes.set(one, row * one.length);
  return { offsets, bytes };
}

/** Compares two texts by their UTF-8 bytes: JavaScript's own order is by UTF-16 unit and differs. */
export function compareText(a: Utf8Column, rowA: number, b: Utf8Column, rowB: number): number {
  const startA = a.offsets[rowA]!;
  const startB = b.offsets[rowB]!;
  const lengthA = a.offsets[rowA + 1]! - startA;
  const lengthB = b.offsets[rowB + 1]! - startB;
  const shared = Math.min(lengthA, lengthB);
  for (let i = 0; i < shared; i++) {
    const difference = a.bytes[startA + i]! - b.bytes[startB + i]!;
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}

/** Whether two texts are the same; faster than `compareText`, as ids that differ mostly differ at their end. */
export function sameText(a: Utf8Column, rowA: number, b: Utf8Column, rowB: number): boolean {
  const startA = a.offsets[rowA]!;
  const startB = b.offsets[rowB]!;
  const length = a.offsets[rowA + 1]! - startA;
  if (b.offsets[rowB + 1]! - startB !== length) return false;
  for (let i = length - 1; i >= 0; i--) if (a.bytes[startA + i] !== b.bytes[startB + i]) return false;
  return true;
}

/** The order of hits inside a query: distance, then target, then bucket. */
export function compareNearness(a: HitColumns, rowA: number, b: HitColumns, rowB: number): number {
  const distanceA = a.distances[rowA]!;
  const distanceB = b.distances[rowB]!;
  if (distanceA !== distanceB) return distanceA < distanceB ? -1 : 1;
  return compareText(a.targetIds, rowA, b.targetIds, rowB) || compareText(a.buckets, rowA, b.buckets, rowB);
}

/** The order of hits files: query, distance, target, bucket. */
export function compareHits(a: HitColumns, rowA: number, b: HitColumns, rowB: number): number {
  return compareText(a.queryIds, rowA, b.queryIds, rowB) || compareNearness(a, rowA, b, rowB);
}
