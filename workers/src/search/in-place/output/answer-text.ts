import { terminalColumns } from '../../../app/terminal.ts';
import { columnText } from '../../../base/bytes/utf8-column.ts';
import { shorten } from '../../../base/text/format-table.ts';
import { printable } from '../../../base/text/printable.ts';
import type { NeighbourColumns } from '../../../hits/columns.ts';
import { CSV_HEADER, createCsvFormatter } from '../../../hits/csv-format.ts';
import { formatFloat32 } from '../../../hits/float-text.ts';
import { IN_PLACE_MESSAGES } from '../in-place-messages.ts';
import type { AnswerOutput } from './answer-format.ts';
import { partialNote } from './partial-answer.ts';

/** Neighbours to write, and the buckets that did not answer. */
export interface Answer {
  neighbours: Iterable<NeighbourColumns>;
  failed: ReadonlyArray<{ bucket: string; error: Error }>;
}

/**
 * Formats an answer as text. One without all buckets says so: CSV in a last line after #, JSON lines in a last object, a table below it.
 * @returns pieces, each valid until the next one
 */
export function* answerText(
  { neighbours, failed }: Answer,
  { format, forSpreadsheets }: Pick<AnswerOutput, 'format' | 'forSpreadsheets'>,
): Generator<Uint8Array> {
  const buckets = failed.map(({ bucket }) => bucket);
  const note = IN_PLACE_MESSAGES.partialNote(buckets);
  if (format === 'jsonl') {
    for (const batch of neighbours) yield Buffer.from(jsonLines(batch));
    if (failed.length > 0) yield Buffer.from(`${JSON.stringify({ partial: true, failed_buckets: buckets })}\n`);
  } else if (format === 'table') {
    yield Buffer.from(tableText(neighbours, terminalColumns()));
    if (failed.length > 0) yield Buffer.from(`\n${note}\n`);
  } else {
    yield Buffer.from(CSV_HEADER);
    const formatCsv = createCsvFormatter(forSpreadsheets);
    for (const batch of neighbours) yield formatCsv(batch);
    if (failed.length > 0) yield Buffer.from(partialNote(failed));
  }
}

function jsonLines({ queryIds, ranks, targetIds, distances, buckets }: NeighbourColumns): string {
  const lines = Array.from(ranks, (rank, row) => {
    const [query, target, bucket] = [queryIds, targetIds, buckets].map((column) =>
      JSON.stringify(columnText(column, row)),
    );
    const distance = formatFloat32(distances[row]!);
    // JSON has no infinities.
    const value = /inf/.test(distance) ? JSON.stringify(distance) : distance;
    return `{"query_id":${query},"rank":${rank},"target_id":${target},"distance":${value},"bucket":${bucket}}\n`;
  });
  return lines.join('');
}

const RANK_WIDTH = 5;
const TARGET_WIDTH = 38;
const LEAST_TARGET_WIDTH = 8;
const DISTANCE_WIDTH = 11;
const BUCKET_WIDTH = 20;
const GAP = 2;
/** Rows of a query on a terminal. */
const MOST_ROWS = 100;

/** A row of the table: rank, target id, distance, bucket. */
type TableRow = [rank: string, target: string, distance: string, bucket: string];

/** Formats neighbours as tables, one a query. @param columns of the terminal, to which ids are shortened; undefined elsewhere */
function tableText(neighbours: Iterable<NeighbourColumns>, columns = Number.POSITIVE_INFINITY): string {
  const tables: string[] = [];
  let query: string | undefined;
  let rows: TableRow[] = [];
  let hidden = 0;
  const endQuery = () => {
    if (query !== undefined) tables.push(queryTable(query, rows, hidden, columns));
    [rows, hidden] = [[], 0];
  };
  for (const { queryIds, ranks, targetIds, distances, buckets } of neighbours)
    for (const [row, rank] of ranks.entries()) {
      const id = columnText(queryIds, row);
      if (id !== query) endQuery();
      query = id;
      if (rows.length === MOST_ROWS) hidden++;
      else {
        const [target, bucket] = [targetIds, buckets].map((column) => printable(columnText(column, row)));
        rows.push([`${rank}`, target!, distances[row]!.toPrecision(6), bucket!]);
      }
    }
  endQuery();
  return tables.length === 0 ? 'no neighbours\n' : `${tables.join('\n\n')}\n`;
}

function queryTable(query: string, rows: readonly TableRow[], hidden: number, columns: number): string {
  const longest = (cell: 1 | 3) => Math.max(...rows.map((row) => row[cell].length));
  const bucketWidth = Number.isFinite(columns) ? Math.min(BUCKET_WIDTH, longest(3)) : longest(3);
  const room = columns - RANK_WIDTH - DISTANCE_WIDTH - bucketWidth - 3 * GAP;
  const targetWidth = Math.max(LEAST_TARGET_WIDTH, Math.min(room, Math.max(TARGET_WIDTH, longest(1))));
  const lines = [['rank', 'target_id', 'distance', 'bucket'] as TableRow, ...rows].map(
    ([rank, target, distance, bucket]) =>
      [
        rank.padStart(RANK_WIDTH),
        shorten(target, targetWidth).padEnd(targetWidth),
        distance.padEnd(DISTANCE_WIDTH),
        shorten(bucket, bucketWidth),
      ]
        .join(' '.repeat(GAP))
        .trimEnd(),
  );
  const title = shorten(`neighbours of ${printable(query)}`, columns);
  return [title, ...lines, ...(hidden > 0 ? [IN_PLACE_MESSAGES.moreRows(hidden)] : [])].join('\n');
}
