import { isUtf8 } from 'node:buffer';
import { columnBytes, columnLength, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import { MAX_CELL_BYTES, MAX_ID_BYTES } from '../../base/limits.ts';
import { idMissing, idNotUtf8, idTooLong } from '../shard-messages.ts';
import { cellNotUtf8, cellTooLong } from './column-messages.ts';

/** Returns a check of ids that throws DataError for the first that is not UTF-8, empty, or longer than MAX_ID_BYTES. */
export function idCheck(path: string): (ids: Utf8Column, firstRow: number) => void {
  return (ids, firstRow) => {
    for (let row = 0; row < columnLength(ids); row++) {
      const length = ids.offsets[row + 1]! - ids.offsets[row]!;
      if (length > 0 && length <= MAX_ID_BYTES) continue;
      throw length === 0 ? idMissing(path, firstRow + row) : idTooLong(path, firstRow + row, length);
    }
    requireUtf8(ids, (row, latin1) => idNotUtf8(path, firstRow + row, latin1));
  };
}

/** Returns a check of a column that throws DataError for the first text that is not UTF-8, or longer than MAX_CELL_BYTES. */
export function cellCheck(path: string, name: string): (cells: Utf8Column, firstRow: number) => void {
  return (cells, firstRow) => {
    for (let row = 0; row < columnLength(cells); row++) {
      const length = cells.offsets[row + 1]! - cells.offsets[row]!;
      if (length > MAX_CELL_BYTES) throw cellTooLong(path, name, firstRow + row, length);
    }
    requireUtf8(cells, (row, latin1) => cellNotUtf8(path, name, firstRow + row, latin1));
  };
}

/** Checks all texts at once: if their concatenation is valid and none begins inside a character, each is valid. */
function requireUtf8(texts: Utf8Column, fail: (row: number, latin1: string) => Error): void {
  const { offsets, bytes } = texts;
  const begins = (row: number) => offsets[row] === offsets[row + 1] || (bytes[offsets[row]!]! & 0xc0) !== 0x80;
  let valid = isUtf8(bytes);
  for (let row = 0; valid && row < columnLength(texts); row++) valid = begins(row);
  if (valid) return;
  for (let row = 0; row < columnLength(texts); row++) {
    const text = columnBytes(texts, row);
    if (!isUtf8(text)) throw fail(row, Buffer.from(text.subarray(0, 40)).toString('latin1'));
  }
}
