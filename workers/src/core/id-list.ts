import { DataError } from '../errors.ts';

const BYTE_ORDER_MARK = '\uFEFF';

/**
 * The ids that a file asks for: one a line, or, where the name ends in .csv, the column `id` below a header (RFC 4180).
 * Spaces around an id do not count, unless it is quoted in a .csv; nor do empty lines and repetitions.
 * @param name of the file, for its ending and for messages
 * @throws DataError where there is no id, or no column `id`
 */
export function parseIdList(text: string, name: string): string[] {
  const body = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  const listed = name.toLowerCase().endsWith('.csv') ? idColumnOf(parseCsv(body), name) : linesOf(body);
  const ids = new Set(listed.filter((id) => id !== ''));
  if (ids.size === 0) throw new DataError(`${name}: no ids. Write one a line.`);
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

/** Rows of comma-separated text; quoted cells may hold commas, doubled quotes, line breaks and spaces at their ends. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  // A cell, quoted or plain, and what ends it.
  for (const [whole, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r\n|\r|\n|$)/g)) {
    if (whole === '') break;
    rows.at(-1)!.push(quoted === undefined ? plain!.trim() : quoted.replaceAll('""', '"'));
    if (end !== ',' && end !== '') rows.push([]);
  }
  return rows;
}
