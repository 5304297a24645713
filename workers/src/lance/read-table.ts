import type { Table } from '@lancedb/lancedb';
import type { Table as ArrowTable, RecordBatch } from 'apache-arrow';
import { concatenateFloats } from '../base/bytes/concatenate-floats.ts';
import { decodeFloat16 } from '../base/bytes/float16.ts';
import { columnTexts, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { DataError } from '../base/errors.ts';
import { counted } from '../base/text/counted.ts';
import { idColumn } from './ids/arrow-ids.ts';

/** Consecutive rows of a table. */
export interface TableBatch {
  rows: number;
  /** rows * dimension components */
  vectors: Float32Array;
  /** LanceDB's row ids: fragment * 2^32 + position. */
  rowIds: Float64Array;
}

/** Streams all vectors of a table in the order of its rows. LanceDB reads ahead. */
export async function* readTable(table: Table): AsyncGenerator<TableBatch> {
  const query = table.query().select(['embedding']).withRowId();
  for await (const batch of query) yield decode(batch as unknown as RecordBatch);
}

/** Ids of consecutive rows of a table. */
export interface IdBatch {
  ids: Utf8Column;
  /** LanceDB's row ids. */
  rowIds: Float64Array;
}

/** Streams all ids of a table in the order of its rows. Its vectors are not read. */
export async function* readIds(table: Table): AsyncGenerator<IdBatch> {
  for await (const batch of table.query().select(['id']).withRowId()) {
    const rows = batch.numRows;
    const found = batch.getChild('_rowid')!.data[0]!;
    const rowIds = toNumbers(found.values as BigUint64Array, found.offset, rows);
    yield { ids: idColumn(batch as never), rowIds };
  }
}

/** Streams the row ids of the rows for which an expression of SQL is true. Only the columns in it are read. */
export async function* selectedRows(table: Table, where: string): AsyncGenerator<Float64Array> {
  for await (const batch of table.query().where(where).select([]).withRowId()) {
    const found = batch.getChild('_rowid')!.data[0]!;
    yield toNumbers(found.values as BigUint64Array, found.offset, batch.numRows);
  }
}

/**
 * Reads the vectors of rows.
 * @param rows LanceDB row ids, ascending
 * @returns [rows, D], in their order
 * @throws DataError if the table lacks any of them
 */
export async function takeVectors(table: Table, rows: readonly number[]): Promise<Float32Array> {
  const found = await table.takeRowIds(rows.map(BigInt)).select(['embedding']).toArrow();
  return vectorsOfAll(table, found as never, rows.length);
}

/**
 * Reads rows by their positions in the table.
 * @param positions ascending
 * @returns ids, and vectors [rows, D], in their order
 * @throws DataError if the table lacks any of them
 */
export async function takeRows(table: Table, positions: number[]): Promise<{ ids: string[]; vectors: Float32Array }> {
  const found = await table.takeOffsets(positions).select(['id', 'embedding']).toArrow();
  const vectors = vectorsOfAll(table, found as never, positions.length);
  return { ids: columnTexts(idColumn(found as never)), vectors };
}

/**
 * Reads the vectors of rows by their positions in the table.
 * @param positions ascending
 * @returns [rows, D], in their order
 * @throws DataError if the table lacks any of them
 */
export async function takeVectorsAt(table: Table, positions: number[]): Promise<Float32Array> {
  if (positions.length === 0) return new Float32Array(0);
  const found = await table.takeOffsets(positions).select(['embedding']).toArrow();
  return vectorsOfAll(table, found as never, positions.length);
}

/** A failure of LanceDB to return rows that the table must have. */
export function unreadableRows(table: string, count: number): DataError {
  return new DataError(`${table}: ${counted(count, 'row')} cannot be read; the table is damaged.`);
}

function vectorsOfAll(table: Table, found: ArrowTable, rows: number): Float32Array {
  if (found.numRows !== rows) throw unreadableRows(table.name, rows - found.numRows);
  return concatenateFloats(found.batches.map(vectorsOf));
}

function decode(batch: RecordBatch): TableBatch {
  const rows = batch.numRows;
  const ids = batch.getChild('_rowid')!.data[0]!;
  return { rows, vectors: vectorsOf(batch), rowIds: toNumbers(ids.values as BigUint64Array, ids.offset, rows) };
}

/** Returns the vectors of a batch. @returns [rows, D] */
export function vectorsOf(batch: RecordBatch): Float32Array {
  const list = batch.getChild('embedding')!.data[0]!;
  const dimension = list.type.listSize as number;
  const child = list.children[0]!;
  const from = list.offset * dimension + child.offset;
  return toFloat32((child.values as Float32Array | Uint16Array).subarray(from, from + batch.numRows * dimension));
}

function toFloat32(values: Float32Array | Uint16Array): Float32Array {
  if (values instanceof Float32Array) return values;
  const decoded = new Float32Array(values.length);
  decodeFloat16(values, decoded, values.length);
  return decoded;
}

/** Converts 64-bit words from pairs of 32-bit words: one BigInt per row would be ten times slower. */
function toNumbers(words: BigUint64Array, offset: number, count: number): Float64Array {
  const halves = new Uint32Array(words.buffer, words.byteOffset + offset * 8, count * 2);
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = halves[2 * i + 1]! * 2 ** 32 + halves[2 * i]!;
  return numbers;
}
