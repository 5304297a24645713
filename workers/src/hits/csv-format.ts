import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import { hitRows, type NeighbourColumns, sameText, textsOf } from './columns.ts';
import { putAscii, putFloat32 } from './float-text.ts';

/** The first line of a neighbours CSV. */
export const CSV_HEADER = 'query_id,rank,target_id,distance,bucket\n';

const COMMA = 0x2c;
const QUOTE = 0x22;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const APOSTROPHE = 0x27;
/** A spreadsheet evaluates a cell that begins with one of these. */
const FORMULA_STARTS = new Set(Buffer.from('=+-@\t\r'));
/** Maximum byte count of rank, distance, separators and quotes. */
const ROW_BYTES = 64;

/**
 * Creates a formatter of neighbours as lines of CSV (RFC 4180, lines end with a newline). A field that contains a comma, a quote or a line
 * break, or is empty, is quoted. Works on bytes: ids never become JavaScript strings.
 * @param forSpreadsheets whether to put an apostrophe before ids that a spreadsheet would evaluate
 * @returns a function whose result is valid until it is called again
 */
export function createCsvFormatter(forSpreadsheets = false): (rows: NeighbourColumns) => Uint8Array {
  let buffer = new Uint8Array(0);
  return (neighbours) => {
    const { queryIds, targetIds, buckets, distances, ranks } = neighbours;
    const rows = hitRows(neighbours);
    const texts = queryIds.bytes.length + targetIds.bytes.length + buckets.bytes.length;
    const maxBytes = 2 * texts + rows * ROW_BYTES;
    if (buffer.length < maxBytes) buffer = new Uint8Array(maxBytes);
    let at = 0;
    let queryStart = 0;
    let queryEnd = 0;
    const queries = textsOf(queryIds);
    for (let row = 0; row < rows; row++) {
      if (row > 0 && sameText(queries, row, queries, row - 1)) {
        const length = queryEnd - queryStart;
        buffer.copyWithin(at, queryStart, queryEnd);
        queryStart = at;
        queryEnd = at += length;
      } else {
        queryStart = at;
        queryEnd = at = putField(buffer, at, queryIds, row, forSpreadsheets);
      }
      buffer[at++] = COMMA;
      at = putAscii(buffer, at, String(ranks[row]!));
      buffer[at++] = COMMA;
      at = putField(buffer, at, targetIds, row, forSpreadsheets);
      buffer[at++] = COMMA;
      at = putFloat32(buffer, at, distances[row]!);
      buffer[at++] = COMMA;
      at = putField(buffer, at, buckets, row, forSpreadsheets);
      buffer[at++] = NEWLINE;
    }
    return buffer.subarray(0, at);
  };
}

function putField(buffer: Uint8Array, at: number, column: Utf8Column, row: number, forSpreadsheets: boolean): number {
  const { bytes } = column;
  const start = column.offsets[row]!;
  const end = column.offsets[row + 1]!;
  if (forSpreadsheets && end > start && FORMULA_STARTS.has(bytes[start]!))
    return putText(buffer, at, bytes.subarray(start, end));
  let plain = end > start;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    buffer[at + i - start] = byte;
    if (byte === COMMA || byte === QUOTE || byte === NEWLINE || byte === RETURN) plain = false;
  }
  return plain ? at + end - start : putQuoted(buffer, at, bytes.subarray(start, end));
}

/** Writes a cell with an apostrophe, which spreadsheets hide, and after which they treat the cell as text. */
function putText(buffer: Uint8Array, at: number, text: Uint8Array): number {
  const cell = Uint8Array.of(APOSTROPHE, ...text);
  if ([COMMA, QUOTE, NEWLINE, RETURN].some((byte) => cell.includes(byte))) return putQuoted(buffer, at, cell);
  buffer.set(cell, at);
  return at + cell.length;
}

function putQuoted(buffer: Uint8Array, start: number, text: Uint8Array): number {
  let at = start;
  buffer[at++] = QUOTE;
  for (const byte of text) {
    if (byte === QUOTE) buffer[at++] = QUOTE;
    buffer[at++] = byte;
  }
  buffer[at++] = QUOTE;
  return at;
}
