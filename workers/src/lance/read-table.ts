import type { Table } from '@lancedb/lancedb';
import type { RecordBatch } from 'apache-arrow';
import { decodeFloat16 } from '../base/bytes/float16.ts';
import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import { DataError } from '../base/errors.ts';
import { idColumn } from './arrow-ids.ts';

/** Rows of a table as they come, in the table's order. */
export interface TableBatch {
  rows: number;
  /** rows * dimension components */
  vectors: Float32Array;
  /** LanceDB's row ids: fragment * 2^32 + position. */
  rowIds: Float64Array;
}

/** Streams all vectors of a table; LanceDB reads ahead. */
export async function* readTable(table: Table): AsyncGenerator<TableBatch> {
  const query = table.query().select(['embedding']).withRowId();
  for await (const batch of query) yield decode(batch as unknown as RecordBatch);
}

/** Ids of a table's rows as they come. */
export interface IdBatch {
  ids: Utf8Column;
  /** LanceDB's row ids. */
  rowIds: Float64Array;
}

/** Streams all ids of a table; its vectors are not read. */
export async function* readIds(table: Table): AsyncGenerator<IdBatch> {
  for await (const batch of table.query().select(['id']).withRowId()) {
    const rows = batch.numRows;
    const found = batch.getChild('_rowid')!.data[0]!;
    const rowIds = toNumbers(found.values as BigUint64Array, found.offset, rows);
    yield { ids: idColumn(batch as never), rowIds };
  }
}

/** The vectors of rows. @param rows LanceDB row ids, ascending @returns [rows, D], in their order */
export async function takeVectors(table: Table, rows: readonly number[]): Promise<Float32Array> {
  const found = await table.takeRowIds(rows.map(BigInt)).select(['embedding']).toArrow();
  if (found.numRows !== rows.length)
    throw new DataError(`${table.name}: ${rows.length - found.numRows} rows cannot be read; the table is damaged.`);
  const parts = found.batches.map((batch) => vectorsOf(batch as unknown as RecordBatch));
  const vectors = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    vectors.set(part, at);
    at += part.length;
  }
  return vectors;
}

function decode(batch: RecordBatch): TableBatch {
  const rows = batch.numRows;
  const ids = batch.getChild('_rowid')!.data[0]!;
  return { rows, vectors: vectorsOf(batch), rowIds: toNumbers(ids.values as BigUint64Array, ids.offset, rows) };
}

function vectorsOf(batch: RecordBatch): Float32Array {
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

/** Reads 64-bit words as pairs of 32: a BigInt a row would be ten times slower. */
function toNumbers(words: BigUint64Array, offset: number, count: number): Float64Array {
  const halves = new Uint32Array(words.buffer, words.byteOffset + offset * 8, count * 2);
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = halves[2 * i + 1]! * 2 ** 32 + halves[2 * i]!;
  return numbers;
}
