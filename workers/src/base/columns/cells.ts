import type { Utf8Column } from '../bytes/utf8-column.ts';

/**
 * Rows of a kept column of any type have the form of a Utf8Column, so that they are sorted and stored as ids are: a text as UTF-8, a number
 * as its 8 bytes, little-endian. Null is one byte that neither has.
 */
const NULL = 0xff;
export const NULL_CELL: Uint8Array = Uint8Array.of(NULL);
export const NUMBER_BYTES = 8;

/** Returns `rows` rows of one value. @param cell undefined: null */
export function repeatCell(cell: Uint8Array | undefined, rows: number): Utf8Column {
  const one = cell ?? NULL_CELL;
  const bytes = new Uint8Array(rows * one.length);
  const offsets = new Int32Array(rows + 1);
  for (let row = 0; row < rows; row++) {
    bytes.set(one, row * one.length);
    offsets[row + 1] = (row + 1) * one.length;
  }
  return { offsets, bytes };
}

/** Returns whether a row is null. */
export function isNullCell({ offsets, bytes }: Utf8Column, row: number): boolean {
  return offsets[row + 1]! - offsets[row]! === 1 && bytes[offsets[row]!] === NULL;
}

/** Returns the bytes of all texts; null has none. */
export function textBytes(cells: Utf8Column): number {
  const rows = cells.offsets.length - 1;
  let bytes = cells.offsets[rows]!;
  for (let row = 0; row < rows; row++) if (isNullCell(cells, row)) bytes--;
  return bytes;
}

/** Builds rows from numbers of 8 bytes. @param isNull tells the rows that are null */
export function numberCells(values: Float64Array | BigInt64Array, isNull: (row: number) => boolean): Utf8Column {
  const stored = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const offsets = new Int32Array(values.length + 1);
  const bytes = new Uint8Array(values.byteLength);
  let at = 0;
  for (let row = 0; row < values.length; row++) {
    if (isNull(row)) bytes[at++] = NULL;
    else {
      bytes.set(stored.subarray(NUMBER_BYTES * row, NUMBER_BYTES * (row + 1)), at);
      at += NUMBER_BYTES;
    }
    offsets[row + 1] = at;
  }
  return { offsets, bytes: bytes.subarray(0, at) };
}

/** Replaces the nulls of floating-point numbers by NaN. */
export function withNaN(cells: Utf8Column): Utf8Column {
  const rows = cells.offsets.length - 1;
  if (cells.bytes.length === rows * NUMBER_BYTES) return cells;
  const values = new Float64Array(rows).fill(Number.NaN);
  const stored = new Uint8Array(values.buffer);
  for (let row = 0; row < rows; row++)
    if (!isNullCell(cells, row))
      stored.set(cells.bytes.subarray(cells.offsets[row]!, cells.offsets[row + 1]!), row * NUMBER_BYTES);
  return numberCells(values, () => false);
}
