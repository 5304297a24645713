/**
 * Strings in Arrow's layout: `bytes` is the concatenated UTF-8 text of all rows, and row i is bytes[offsets[i] .. offsets[i + 1]).
 * Ids have this form, so that hot paths create no JavaScript strings.
 */
export interface Utf8Column {
  /** length = rows + 1, offsets[0] = 0 */
  readonly offsets: Int32Array;
  readonly bytes: Uint8Array;
}

/** A column in memory of its own. */
interface OwnColumn extends Utf8Column {
  readonly offsets: Int32Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Returns the row count of a column. */
export function columnLength(column: Utf8Column): number {
  return column.offsets.length - 1;
}

/** Builds a column from JavaScript strings. */
export function columnFrom(texts: readonly string[]): Utf8Column {
  const offsets = new Int32Array(texts.length + 1);
  for (const [i, text] of texts.entries()) offsets[i + 1] = offsets[i]! + Buffer.byteLength(text);
  const bytes = new Uint8Array(offsets[texts.length]!);
  for (const [i, text] of texts.entries()) encoder.encodeInto(text, bytes.subarray(offsets[i]!));
  return { offsets, bytes };
}

/** Builds a column from UTF-8 texts, which it copies. */
export function columnFromBytes(texts: readonly Uint8Array[]): Utf8Column {
  const offsets = new Int32Array(texts.length + 1);
  for (const [i, { length }] of texts.entries()) offsets[i + 1] = offsets[i]! + length;
  const bytes = new Uint8Array(offsets[texts.length]!);
  for (const [i, text] of texts.entries()) bytes.set(text, offsets[i]!);
  return { offsets, bytes };
}

/** Decodes one row. @throws TypeError if it is not UTF-8 */
export function columnText(column: Utf8Column, row: number): string {
  return decoder.decode(column.bytes.subarray(column.offsets[row]!, column.offsets[row + 1]!));
}

/** Returns the bytes of one row, as a view. */
export function columnBytes(column: Utf8Column, row: number): Uint8Array {
  return column.bytes.subarray(column.offsets[row]!, column.offsets[row + 1]!);
}

/** Decodes all rows (small columns). */
export function columnTexts(column: Utf8Column): string[] {
  return Array.from({ length: columnLength(column) }, (_, row) => columnText(column, row));
}

/** Returns rows [start, end) as a column, which shares the bytes. */
export function columnSlice(column: Utf8Column, start: number, end: number): Utf8Column & Pick<OwnColumn, 'offsets'> {
  const base = column.offsets[start]!;
  const offsets = column.offsets.slice(start, end + 1).map((offset) => offset - base);
  return { offsets, bytes: column.bytes.subarray(base, column.offsets[end]!) };
}

/** Returns rows [start, end) as a column in memory of its own, so that it can be transferred to another thread. */
export function columnCopy(column: Utf8Column, start = 0, end = columnLength(column)): OwnColumn {
  const { offsets, bytes } = columnSlice(column, start, end);
  return { offsets, bytes: new Uint8Array(bytes) };
}

/** Concatenates columns. */
export function concatenateColumns(columns: readonly Utf8Column[]): Utf8Column {
  const rows = columns.reduce((sum, column) => sum + columnLength(column), 0);
  const byteLength = columns.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const offsets = new Int32Array(rows + 1);
  const bytes = new Uint8Array(byteLength);
  let row = 0;
  let at = 0;
  for (const column of columns) {
    for (let i = 1; i < column.offsets.length; i++) offsets[++row] = at + column.offsets[i]!;
    bytes.set(column.bytes, at);
    at += column.bytes.length;
  }
  return { offsets, bytes };
}
