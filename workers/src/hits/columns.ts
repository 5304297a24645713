import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import type { ExtraColumn } from './extra-column.ts';

/**
 * Texts at any positions of `bytes`: row i is bytes[starts[i] .. ends[i]). Unlike a Utf8Column, it can represent a Parquet page without a
 * copy: with gaps between texts, and repeated texts stored once.
 */
export interface Texts {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly bytes: Uint8Array;
}

/** Rows of hits, column by column; every column has one entry per row. */
export interface HitColumns {
  readonly queryIds: Texts;
  readonly targetIds: Texts;
  readonly distances: Float32Array;
  readonly buckets: Texts;
  /** Extra columns, where the rows are neighbours that have some. */
  readonly extra?: readonly ExtraColumn[] | undefined;
}

/** Rows of neighbours to write: hits with their rank within the query, from 1. Texts are contiguous. */
export interface NeighbourColumns {
  readonly queryIds: Utf8Column;
  readonly targetIds: Utf8Column;
  readonly distances: Float32Array;
  readonly buckets: Utf8Column;
  readonly ranks: Int32Array;
  /** Extra columns, in the order of their fields (see ExtraField); undefined: none. */
  readonly extra?: readonly ExtraColumn[] | undefined;
}

/** Row count of a row group of hits. Merging holds one of every file, 1.5 MB each. Larger row groups do not make reading faster. */
export const HITS_ROW_GROUP = 32_768;

/** Returns the row count. */
export function hitRows(hits: { readonly distances: Float32Array }): number {
  return hits.distances.length;
}

/** Returns a column as texts; the bytes are shared. */
export function textsOf({ offsets, bytes }: Utf8Column): Texts {
  return { starts: offsets.subarray(0, -1), ends: offsets.subarray(1), bytes };
}

/** Returns neighbours as hits, for another merge; the bytes are shared. */
export function hitsOf({
  queryIds,
  targetIds,
  distances,
  buckets,
  extra,
}: Omit<NeighbourColumns, 'ranks'>): HitColumns {
  return { queryIds: textsOf(queryIds), targetIds: textsOf(targetIds), distances, buckets: textsOf(buckets), extra };
}

/** Returns the buffers of neighbours, each once, for a transfer between threads. @param further columns that go along; they may be among `extra` */
export function neighbourBuffers(
  { queryIds, targetIds, buckets, distances, ranks, extra = [] }: NeighbourColumns,
  further: readonly (ExtraColumn | undefined)[] = [],
): ArrayBuffer[] {
  const texts = [queryIds, targetIds, buckets].flatMap(({ offsets, bytes }) => [offsets, bytes]);
  const columns = [...extra, ...further].filter((column) => column !== undefined);
  const extras = columns.flatMap((column) => [
    ...('values' in column ? [column.values] : [column.offsets, column.bytes]),
    ...(column.validity ? [column.validity] : []),
  ]);
  return [...new Set([...texts, distances, ranks, ...extras].map(({ buffer }) => buffer as ArrayBuffer))];
}

/** Returns a row's text as a view. */
export function textBytes({ starts, ends, bytes }: Texts, row: number): Uint8Array {
  return bytes.subarray(starts[row], ends[row]);
}

/** Copies a row's text into texts of one row. */
export function copyText(texts: Texts, row: number): Texts {
  const bytes = textBytes(texts, row).slice();
  return { starts: Int32Array.of(0), ends: Int32Array.of(bytes.length), bytes };
}

/** Returns a column with the same text in every row. */
export function repeatText(text: string, rows: number): Utf8Column {
  const one = new TextEncoder().encode(text);
  const offsets = Int32Array.from({ length: rows + 1 }, (_, row) => row * one.length);
  const bytes = new Uint8Array(rows * one.length);
  for (let row = 0; row < rows; row++) bytes.set(one, row * one.length);
  return { offsets, bytes };
}

/** Compares two texts by their UTF-8 bytes, unlike JavaScript, which compares UTF-16 units. */
export function compareText(a: Texts, rowA: number, b: Texts, rowB: number): number {
  const startA = a.starts[rowA]!;
  const startB = b.starts[rowB]!;
  const lengthA = a.ends[rowA]! - startA;
  const lengthB = b.ends[rowB]! - startB;
  const shared = Math.min(lengthA, lengthB);
  for (let i = 0; i < shared; i++) {
    const difference = a.bytes[startA + i]! - b.bytes[startB + i]!;
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}

/** Returns whether two texts are equal. Faster than `compareText`, because ids mostly differ at their end. */
export function sameText(a: Texts, rowA: number, b: Texts, rowB: number): boolean {
  const startA = a.starts[rowA]!;
  const startB = b.starts[rowB]!;
  const length = a.ends[rowA]! - startA;
  if (b.ends[rowB]! - startB !== length) return false;
  if (startA === startB && a.bytes === b.bytes) return true;
  for (let i = length - 1; i >= 0; i--) if (a.bytes[startA + i] !== b.bytes[startB + i]) return false;
  return true;
}

/** Compares hits of one query: by distance, then target, then bucket. */
export function compareNearness(a: HitColumns, rowA: number, b: HitColumns, rowB: number): number {
  const distanceA = a.distances[rowA]!;
  const distanceB = b.distances[rowB]!;
  if (distanceA !== distanceB) return distanceA < distanceB ? -1 : 1;
  return compareText(a.targetIds, rowA, b.targetIds, rowB) || compareText(a.buckets, rowA, b.buckets, rowB);
}

/** Compares hits in the order of hits files: query, distance, target, bucket. */
export function compareHits(a: HitColumns, rowA: number, b: HitColumns, rowB: number): number {
  return compareText(a.queryIds, rowA, b.queryIds, rowB) || compareNearness(a, rowA, b, rowB);
}
