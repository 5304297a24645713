import { columnText } from '../../../base/bytes/utf8-column.ts';
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
    yield Buffer.from(tableText(neighbours));
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

const WIDTH = 80;
const RANK_WIDTH = 5;
const DISTANCE_WIDTH = 11;
const WIDEST_BUCKET = 20;
/** Rows of a query on a terminal. */
const MOST_ROWS = 100;

/** Formats neighbours as tables of 80 columns, one a query. */
function tableText(neighbours: Iterable<NeighbourColumns>): string {
  const lines: string[] = [];
  let query: string | undefined;
  let shown = 0;
  let hidden = 0;
  const endQuery = () => {
    if (hidden > 0) lines.push(IN_PLACE_MESSAGES.moreRows(hidden));
    [shown, hidden] = [0, 0];
  };
  for (const { queryIds, ranks, targetIds, distances, buckets } of neighbours)
    for (const [row, rank] of ranks.entries()) {
      const id = columnText(queryIds, row);
      if (id !== query) {
        endQuery();
        if (query !== undefined) lines.push('');
        lines.push(cut(`neighbours of ${printable(id)}`, WIDTH), rowText('rank', 'target_id', 'distance', 'bucket'));
        query = id;
      }
      if (shown === MOST_ROWS) hidden++;
      else {
        const [target, bucket] = [targetIds, buckets].map((column) => printable(columnText(column, row)));
        lines.push(rowText(`${rank}`, target!, distances[row]!.toPrecision(6), bucket!));
        shown++;
      }
    }
  endQuery();
  return lines.length === 0 ? 'no neighbours\n' : `${lines.join('\n')}\n`;
}

function rowText(rank: string, target: string, distance: string, bucket: string): string {
  const shownBucket = cut(bucket, WIDEST_BUCKET);
  const targetWidth = WIDTH - RANK_WIDTH - DISTANCE_WIDTH - WIDEST_BUCKET - 6;
  return [
    rank.padStart(RANK_WIDTH),
    cut(target, targetWidth).padEnd(targetWidth),
    distance.padEnd(DISTANCE_WIDTH),
    shownBucket,
  ]
    .join('  ')
    .trimEnd();
}

function cut(text: string, width: number): string {
  const characters = [...text];
  return characters.length > width ? `${characters.slice(0, width - 1).join('')}\u2026` : text;
}
