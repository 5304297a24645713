import { columnText } from '../../../base/bytes/utf8-column.ts';
import { fitWidths, shorten } from '../../../base/text/format-table.ts';
import { printable } from '../../../base/text/printable.ts';
import type { NeighbourColumns } from '../../../hits/columns.ts';
import { type ExtraColumn, type ExtraField, extraValue } from '../../../hits/extra-column.ts';
import { IN_PLACE_MESSAGES } from '../in-place-messages.ts';

const RANK_WIDTH = 5;
const TARGET_WIDTH = 38;
const LEAST_TARGET_WIDTH = 8;
const DISTANCE_WIDTH = 11;
const BUCKET_WIDTH = 20;
const GAP = 2;
/** Rows of a query on a terminal. */
const MOST_ROWS = 100;

/** A row of the table: rank, target id, distance, bucket, extra columns. */
type TableRow = [rank: string, target: string, distance: string, bucket: string, ...extra: string[]];

/** Formats neighbours as tables, one a query. @param columns of the terminal, to which texts are shortened; undefined elsewhere */
export async function tableText(
  neighbours: Iterable<NeighbourColumns> | AsyncIterable<NeighbourColumns>,
  extra: readonly ExtraField[],
  columns = Number.POSITIVE_INFINITY,
): Promise<string> {
  const head: TableRow = ['rank', 'target_id', 'distance', 'bucket', ...extra.map(({ name }) => lineOf(name))];
  const tables: string[] = [];
  let query: string | undefined;
  let rows: TableRow[] = [];
  let hidden = 0;
  const endQuery = () => {
    if (query !== undefined) tables.push(queryTable(query, [head, ...rows], hidden, columns));
    [rows, hidden] = [[], 0];
  };
  for await (const { queryIds, ranks, targetIds, distances, buckets, extra: values = [] } of neighbours)
    for (const [row, rank] of ranks.entries()) {
      const id = columnText(queryIds, row);
      if (id !== query) endQuery();
      query = id;
      if (rows.length === MOST_ROWS) hidden++;
      else {
        const [target, bucket] = [targetIds, buckets].map((column) => printable(columnText(column, row)));
        rows.push([
          ...([`${rank}`, target!, distances[row]!.toPrecision(6), bucket!] as const),
          ...values.map((column) => extraCell(column, row)),
        ]);
      }
    }
  endQuery();
  return tables.length === 0 ? 'no neighbours\n' : `${tables.join('\n\n')}\n`;
}

/** @param rows the first is the header */
function queryTable(query: string, rows: readonly TableRow[], hidden: number, columns: number): string {
  const longest = (cell: number) => Math.max(...rows.map((row) => row[cell]!.length));
  const bucketWidth = Number.isFinite(columns) ? Math.min(BUCKET_WIDTH, longest(3)) : longest(3);
  const others = rows[0]!.slice(4).map((_, i) => longest(i + 4));
  const room = columns - RANK_WIDTH - DISTANCE_WIDTH - bucketWidth - (3 + others.length) * GAP;
  const [targetWidth, ...widths] =
    others.length > 0
      ? fitWidths([longest(1), ...others], room)
      : [Math.max(LEAST_TARGET_WIDTH, Math.min(room, Math.max(TARGET_WIDTH, longest(1))))];
  const lines = rows.map(([rank, target, distance, bucket, ...extra]) =>
    [
      rank.padStart(RANK_WIDTH),
      shorten(target, targetWidth!).padEnd(targetWidth!),
      distance.padEnd(DISTANCE_WIDTH),
      shorten(bucket, bucketWidth).padEnd(bucketWidth),
      ...extra.map((cell, i) => shorten(cell, widths[i]!).padEnd(widths[i]!)),
    ]
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
  const title = shorten(`neighbours of ${printable(query)}`, columns);
  return [title, ...lines, ...(hidden > 0 ? [IN_PLACE_MESSAGES.moreRows(hidden)] : [])].join('\n');
}

/** Returns a value as it is shown: numbers with six digits, nothing for null. */
function extraCell(column: ExtraColumn, row: number): string {
  const value = extraValue(column, row);
  if (value === null) return '';
  return typeof value === 'number' ? `${Number(value.toPrecision(6))}` : lineOf(String(value));
}

/** Returns a text on one line. */
function lineOf(text: string): string {
  return printable(text.replace(/\s+/g, ' '));
}
