import { DataError } from '../base/errors.ts';
import { MAX_ID_BYTES } from '../base/limits.ts';
import { parseCsv, withoutByteOrderMark } from '../base/text/csv-rows.ts';
import { quoteId } from '../base/text/quote.ts';

/**
 * Parses a list of ids: one per line or, if the name ends in .csv, the column `id` (RFC 4180). Trims spaces, except in quoted cells,
 * and drops empty lines and repetitions.
 * @param name of the file, for its extension and for messages
 * @throws DataError for a list without ids, a .csv without a column `id`, or an id longer than MAX_ID_BYTES
 */
export function parseIdList(text: string, name: string): string[] {
  const body = withoutByteOrderMark(text);
  const listed = name.toLowerCase().endsWith('.csv') ? idColumnOf(parseCsv(body), name) : linesOf(body);
  const ids = new Set(listed.filter((id) => id !== ''));
  if (ids.size === 0) throw new DataError(`${name}: no ids. Write one per line.`);
  // A UTF-16 unit has at most three bytes in UTF-8.
  for (const id of ids)
    if (3 * id.length > MAX_ID_BYTES && Buffer.byteLength(id) > MAX_ID_BYTES)
      throw new DataError(
        `${name}: the id ${quoteId(Buffer.from(id))} has more than ${MAX_ID_BYTES} bytes. Is a line break missing?`,
      );
  return [...ids];
}

function linesOf(text: string): string[] {
  return text.split(/\r\n|\r|\n/).map((line) => line.trim());
}

function idColumnOf([header = [], ...rows]: string[][], name: string): string[] {
  const column = header.findIndex((cell) => cell.trim() === 'id');
  if (column < 0) throw new DataError(`${name}: the first line of a .csv must name a column "id".`);
  return rows.map((row) => row[column] ?? '');
}
