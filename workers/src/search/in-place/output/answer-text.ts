import { terminalColumns } from '../../../app/terminal.ts';
import { columnText } from '../../../base/bytes/utf8-column.ts';
import type { NeighbourColumns } from '../../../hits/columns.ts';
import { createCsvFormatter, csvHeader } from '../../../hits/csv/csv-format.ts';
import { numberText } from '../../../hits/csv/extra-cells.ts';
import { formatFloat32 } from '../../../hits/csv/float-text.ts';
import { type ExtraColumn, type ExtraField, extraValue } from '../../../hits/extra-column.ts';
import { IN_PLACE_MESSAGES } from '../in-place-messages.ts';
import type { AnswerOutput } from './answer-format.ts';
import { tableText } from './answer-table.ts';
import { partialNote } from './partial-answer.ts';

/** Neighbours to write, and the buckets that did not answer. */
export interface Answer {
  neighbours: Iterable<NeighbourColumns> | AsyncIterable<NeighbourColumns>;
  /** Extra columns of the neighbours. */
  extra?: readonly ExtraField[] | undefined;
  failed: ReadonlyArray<{ bucket: string; error: Error }>;
}

/**
 * Formats an answer as text. One without all buckets says so: CSV in a last line after #, JSON lines in a last object, a table below it.
 * @returns pieces, each valid until the next one
 */
export async function* answerText(
  { neighbours, extra = [], failed }: Answer,
  { format, forSpreadsheets }: Pick<AnswerOutput, 'format' | 'forSpreadsheets'>,
): AsyncGenerator<Uint8Array> {
  const buckets = failed.map(({ bucket }) => bucket);
  const note = IN_PLACE_MESSAGES.partialNote(buckets);
  if (format === 'jsonl') {
    for await (const batch of neighbours) yield Buffer.from(jsonLines(batch, extra));
    if (failed.length > 0) yield Buffer.from(`${JSON.stringify({ partial: true, failed_buckets: buckets })}\n`);
  } else if (format === 'table') {
    yield Buffer.from(await tableText(neighbours, extra, terminalColumns()));
    if (failed.length > 0) yield Buffer.from(`\n${note}\n`);
  } else {
    yield Buffer.from(csvHeader(extra));
    const formatCsv = createCsvFormatter(forSpreadsheets, extra);
    for await (const batch of neighbours) yield formatCsv(batch);
    if (failed.length > 0) yield Buffer.from(partialNote(failed));
  }
}

function jsonLines(batch: NeighbourColumns, extra: readonly ExtraField[]): string {
  const { queryIds, ranks, targetIds, distances, buckets } = batch;
  const keys = extra.map(({ name }) => JSON.stringify(name));
  const lines = Array.from(ranks, (rank, row) => {
    const [query, target, bucket] = [queryIds, targetIds, buckets].map((column) =>
      JSON.stringify(columnText(column, row)),
    );
    const distance = jsonNumber(formatFloat32(distances[row]!));
    const more = keys.map((key, i) => `,${key}:${jsonValue(extra[i]!, batch.extra![i]!, row)}`);
    return `{"query_id":${query},"rank":${rank},"target_id":${target},"distance":${distance},"bucket":${bucket}${more.join('')}}\n`;
  });
  return lines.join('');
}

function jsonValue({ type }: ExtraField, column: ExtraColumn, row: number): string {
  const value = extraValue(column, row);
  if (value === null || typeof value === 'string') return JSON.stringify(value);
  return jsonNumber(type === 'float32' ? formatFloat32(Number(value)) : numberText(value));
}

/** Returns a number as JSON, which has neither infinities nor NaN: they are texts. */
function jsonNumber(text: string): string {
  return /inf|nan/.test(text) ? JSON.stringify(text) : text;
}
