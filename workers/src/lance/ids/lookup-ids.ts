import type { Table } from '@lancedb/lancedb';
import { concatenateColumns, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { readIds, unreadableRows } from '../read-table.ts';
import { idColumn } from './arrow-ids.ts';

const ROWS_PER_TAKE = 100_000;
const TAKES_IN_FLIGHT = 2;
/** Share of a table's rows beyond which streaming all ids is quicker than taking some. */
const STREAMED_SHARE = 1 / 8;

/** Ids of some rows of a table. */
export interface RowIds {
  ids: Utf8Column;
  /** Their LanceDB row ids, ascending, each once. */
  rowIds: Float64Array;
  /** Returns the position of a row's id in `ids`. @param row one of the rows that were looked up */
  position(row: number): number;
}

/** Looks up the ids of rows. @param rows LanceDB row ids, in any order, with repetitions */
export async function lookupIds(table: Table, rows: Float64Array): Promise<RowIds> {
  const unique = sortedUnique(rows);
  const ids = concatenateColumns(await takeIds(table, unique));
  return { ids, rowIds: unique, position: (row) => lowerBound(unique, row) };
}

/**
 * Reads the ids of rows, as several columns. Where most rows of the table are wanted, it streams the whole column: quicker than
 * handing LanceDB a list of them.
 * @param rows LanceDB row ids, ascending, each once
 */
export async function readIdsOf(table: Table, rows: Float64Array, tableRows: number): Promise<Utf8Column[]> {
  const streamed = rows.length > tableRows * STREAMED_SHARE ? await streamIds(table, rows) : undefined;
  return streamed ?? takeIds(table, rows);
}

function takeIds(table: Table, rows: Float64Array): Promise<Utf8Column[]> {
  const starts = Array.from({ length: Math.ceil(rows.length / ROWS_PER_TAKE) }, (_, take) => take * ROWS_PER_TAKE);
  return mapConcurrently(starts, TAKES_IN_FLIGHT, async (start) => {
    const wanted = rows.subarray(start, start + ROWS_PER_TAKE);
    // LanceDB returns the rows in ascending order, each once, without those that do not exist.
    const found = await table.takeRowIds(Array.from(wanted, BigInt)).select(['id']).toArrow();
    if (found.numRows !== wanted.length) throw unreadableRows(table.name, wanted.length - found.numRows);
    return idColumn(found as never);
  });
}

/** @returns undefined where the table does not stream the rows in ascending order, or lacks one */
async function streamIds(table: Table, rows: Float64Array): Promise<Utf8Column[] | undefined> {
  const columns: Utf8Column[] = [];
  let next = 0;
  for await (const { ids, rowIds } of readIds(table)) {
    const wanted: number[] = [];
    for (let row = 0; row < rowIds.length && next < rows.length; row++)
      if (rowIds[row] === rows[next]) {
        wanted.push(row);
        next++;
      }
    columns.push(selectRows(ids, wanted));
  }
  return next === rows.length ? columns : undefined;
}

function selectRows({ offsets, bytes }: Utf8Column, rows: readonly number[]): Utf8Column {
  const selected = new Int32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) selected[i + 1] = selected[i]! + offsets[row + 1]! - offsets[row]!;
  const texts = new Uint8Array(selected[rows.length]!);
  for (const [i, row] of rows.entries()) texts.set(bytes.subarray(offsets[row], offsets[row + 1]), selected[i]!);
  return { offsets: selected, bytes: texts };
}

function sortedUnique(rows: Float64Array): Float64Array {
  const sorted = rows.slice().sort();
  let count = 0;
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[count++] = sorted[i]!;
  return sorted.subarray(0, count);
}

function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
