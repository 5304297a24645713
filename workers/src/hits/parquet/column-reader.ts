import type { Field } from 'apache-arrow';
import { DataError } from '../../base/errors.ts';
import { HIT_MESSAGES } from '../hit-messages.ts';
import { createTaker, type DecodedColumn, type Layout, layoutOf } from './decoded-batch.ts';
import type { ParquetSource } from './parquet-file.ts';

/** A column to read. */
export interface ColumnRequest {
  name: string;
  type: 'text' | Exclude<Layout, 'utf8' | 'other'>;
  /** Whether rows may lack a value. */
  nullable?: boolean;
}

/** Rows of a file, in the order of the request. */
export interface RowBatch {
  rowGroup: number;
  /** Number, within the file, of the first row. */
  firstRow: number;
  rows: number;
  columns: DecodedColumn[];
}

/** Rows [first, end) of a file. */
export interface RowRange {
  first: number;
  end: number;
}

export const ALL_ROWS: RowRange = { first: 0, end: Number.POSITIVE_INFINITY };

/** Limits of a batch: a merge holds batches of hundreds of files at once. */
export const BATCH_ROWS = 8192;
const BATCH_BYTES = 2 * 1024 * 1024;
const SAMPLE_ROWS = 64;

/**
 * Checks that a file has the requested columns.
 * @throws DataError that names the column that is missing or has another type
 */
export function checkColumns(source: ParquetSource, request: readonly ColumnRequest[]): void {
  for (const { name, type } of request) {
    const field = source.fields.find((candidate) => candidate.name === name);
    if (!field) {
      const names = source.fields.map((candidate) => candidate.name);
      throw new DataError(HIT_MESSAGES.noColumn(source.path, name, names));
    }
    const layout = layoutOf(field.type);
    if (type === 'text' ? layout !== 'utf8' && layout !== 'other' : layout !== type)
      throw new DataError(
        HIT_MESSAGES.wrongColumn(source.path, name, `${field.type}`, type === 'text' ? 'text (utf8)' : type),
      );
  }
}

/**
 * Reads columns of a file from its first row to its last, a batch at a time, and closes the file. A batch is valid until the next is
 * requested.
 * @param range rows to read; batches may have rows before and after them. Default: all
 * @throws DataError if the file is damaged, lacks a column or contains a null (with row group and row)
 */
export async function* readColumns(
  source: ParquetSource,
  request: readonly ColumnRequest[],
  { first, end }: RowRange = ALL_ROWS,
): AsyncGenerator<RowBatch, void, void> {
  const { path } = source;
  try {
    checkColumns(source, request);
    // The decoder returns columns in the order of the file, not of the request.
    const fields = source.fields.filter((field) => request.some(({ name }) => name === field.name));
    const columnOrder = request.map(({ name }) => fields.findIndex((field) => field.name === name));
    const layouts = fields.map((field) => layoutOf(field.type)!);
    const take = createTaker(layouts);
    const batchRows = await rowsPerBatch(source, fields, take);
    let firstRow = 0;
    for (const [rowGroup, { rows: groupRows }] of source.rowGroups.entries()) {
      if (firstRow >= end) return;
      if (firstRow + groupRows <= first) {
        firstRow += groupRows;
        continue;
      }
      for await (const batch of source.batches(rowGroup, names(fields), batchRows)) {
        const rows = batch.numRows;
        const taken = take(batch);
        const columns = columnOrder.map((at, i) => {
          const column = taken[at]!;
          if (column.validity === undefined || request[i]!.nullable) return column;
          const last = firstRow + rows - 1;
          throw new DataError(HIT_MESSAGES.nullInColumn(path, request[i]!.name, rowGroup, firstRow, last));
        });
        yield { rowGroup, firstRow, rows, columns };
        firstRow += rows;
      }
    }
  } finally {
    source.close();
  }
}

const names = (fields: readonly Field[]) => fields.map(({ name }) => name);

type Taker = ReturnType<typeof createTaker>;

/** Estimates the rows of a batch of BATCH_BYTES from the first rows: ids may be ten bytes long, or ten thousand. */
async function rowsPerBatch(source: ParquetSource, fields: readonly Field[], take: Taker) {
  const rowGroup = source.rowGroups.findIndex(({ rows }) => rows > 0);
  if (rowGroup < 0) return BATCH_ROWS;
  let rows = 0;
  let bytes = 0;
  for await (const batch of source.batches(rowGroup, names(fields), SAMPLE_ROWS, SAMPLE_ROWS)) {
    rows += batch.numRows;
    for (const column of take(batch)) bytes += 'values' in column ? column.values.byteLength : column.bytes.length;
  }
  return Math.max(1, Math.min(BATCH_ROWS, Math.floor(BATCH_BYTES / (bytes / Math.max(1, rows) + 1))));
}
