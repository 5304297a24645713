import { DataError } from '../base/errors.ts';
import { MAX_ID_BYTES } from '../base/limits.ts';
import { quoteId } from '../base/text/quote.ts';

const BYTE_ORDER_MARK = '\uFEFF';

/**
 * Parses a list of ids: one per line or, if the name ends in .csv, the column `id` (RFC 4180). Trims spaces, except in quoted cells,
 * and drops empty lines and repetitions.
 * @param name of the file, for its extension and for messages
 * @throws DataError for a list without ids, a .csv without a column `id`, or an id longer than MAX_ID_BYTES
 */
export function parseIdList(text: string, name: string): string[] {
  const body = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
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

/** Parses comma-separated text. Quoted cells may contain commas, doubled quotes, line breaks and outer spaces. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (let at = 0; at < text.length; ) {
    const quote = closingQuote(text, at);
    const end = quote < 0 ? endOfPlain(text, at) : quote + 1;
    const cell = quote < 0 ? text.slice(at, end).trim() : text.slice(at + 1, quote).replaceAll('""', '"');
    rows.at(-1)!.push(cell);
    if (end < text.length && text[end] !== ',') rows.push([]);
    at = text.startsWith('\r\n', end) ? end + 2 : end + 1;
  }
  return rows;
}

/** Finds the quote that ends the cell at `at`; -1 if the cell is not quoted. */
function closingQuote(text: string, at: number): number {
  if (text[at] !== '"') return -1;
  let quote = text.indexOf('"', at + 1);
  while (quote >= 0 && text[quote + 1] === '"') quote = text.indexOf('"', quote + 2);
  return quote >= 0 && /^[,\r\n]?$/.test(text.slice(quote + 1, quote + 2)) ? quote : -1;
}

function endOfPlain(text: string, at: number): number {
  let end = at;
  while (end < text.length && !',\r\n'.includes(text[end]!)) end++;
  return end;
}
