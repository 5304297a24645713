import type { Table } from '@lancedb/lancedb';
import { type Data, DataType, type Vector } from 'apache-arrow';
import { columnFrom, columnSlice, concatenateColumns, type Utf8Column } from '../base/bytes/utf8-column.ts';
import type { Column, ColumnType } from '../base/columns/column-type.ts';
import { validityOf } from '../base/columns/validity.ts';
import { unreadableRows } from './read-table.ts';

/** Values of rows: text, or numbers. Bit `row & 7` of byte `row >> 3` of `validity` is 1 where a row has one; undefined: all have. */
export type TakenColumn = (Utf8Column | { values: BigInt64Array | Float64Array }) & {
  validity: Uint8Array | undefined;
};

/**
 * Reads columns of rows. LanceDB reads the ranges that hold them, in a folder and on S3.
 * @param rows LanceDB row ids, ascending, each once
 * @param fields with the type in which their values are wanted; integers are also read as float64
 * @returns the columns in the order of the fields, with the rows in their order
 * @throws DataError if the table lacks any of the rows
 */
export async function takeColumns(table: Table, rows: Float64Array, fields: readonly Column[]): Promise<TakenColumn[]> {
  const names = fields.map(({ name }) => name);
  const found = await table.takeRowIds(Array.from(rows, BigInt)).select(names).toArrow();
  if (found.numRows !== rows.length) throw unreadableRows(table.name, rows.length - found.numRows);
  return fields.map(({ name, type }) => decode(found.getChild(name) as unknown as Vector, type));
}

function decode(vector: Vector, type: ColumnType): TakenColumn {
  const validity =
    vector.nullCount === 0
      ? undefined
      : validityOf(Array.from({ length: vector.length }, (_, row) => vector.isValid(row)));
  if (type === 'utf8') return { ...textsOf(vector), validity };
  const values = type === 'int64' ? new BigInt64Array(vector.length) : new Float64Array(vector.length);
  let at = 0;
  for (const data of vector.data) {
    const stored = data.values as BigInt64Array | Float64Array;
    for (let i = 0; i < data.length; i++, at++) {
      const value = stored[data.offset + i]!;
      if (values instanceof BigInt64Array) values[at] = BigInt(value);
      else values[at] = Number(value);
    }
  }
  return { values, validity };
}

function textsOf(vector: Vector): Utf8Column {
  // Another client may have written the column in another form of text.
  if (!DataType.isUtf8(vector.type)) return columnFrom(Array.from(vector, (value) => String(value ?? '')));
  return concatenateColumns(
    vector.data.map(({ offset, length, values, valueOffsets }: Data) =>
      columnSlice({ offsets: valueOffsets as Int32Array, bytes: values as Uint8Array }, offset, offset + length),
    ),
  );
}
