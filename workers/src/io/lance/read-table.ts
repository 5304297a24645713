import type { Table } from '@lancedb/lancedb';
import type { RecordBatch } from 'apache-arrow';
import { decodeFloat16 } from '../../core/float16.ts';

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

function decode(batch: RecordBatch): TableBatch {
  const rows = batch.numRows;
  const list = batch.getChild('embedding')!.data[0]!;
  const dimension = list.type.listSize as number;
  const child = list.children[0]!;
  const from = list.offset * dimension + child.offset;
  const values = (child.values as Float32Array | Uint16Array).subarray(from, from + rows * dimension);
  const ids = batch.getChild('_rowid')!.data[0]!;
  return { rows, vectors: toFloat32(values), rowIds: toNumbers(ids.values as BigUint64Array, ids.offset, rows) };
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
