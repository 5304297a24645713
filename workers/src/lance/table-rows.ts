import type { Table } from '@lancedb/lancedb';
import { type Data, type FixedSizeList, type Float, type Int, Precision, type RecordBatch, Type } from 'apache-arrow';
import { columnFromBytes, columnSlice, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { NULL_CELL, numberCells } from '../base/columns/cells.ts';
import type { Column, ColumnType } from '../base/columns/column-type.ts';
import type { VectorType } from '../vectors/vector-type.ts';
import { idColumn } from './ids/arrow-ids.ts';
import { vectorsOf } from './read-table.ts';

/** Consecutive rows of a table, with all columns. */
export interface TableRows {
  ids: Utf8Column;
  /** [rows, D] */
  vectors: Float32Array;
  /** Cells of each further column: see base/columns/cells.ts. */
  kept: Utf8Column[];
}

/**
 * Describes the columns of a table beside `embedding` and `id`.
 * @returns the name of a column whose type cannot be kept; otherwise the columns
 */
export async function tableColumns(table: Table): Promise<Column[] | string> {
  const columns: Column[] = [];
  for (const { name, type } of (await table.schema()).fields) {
    if (name === 'embedding' || name === 'id') continue;
    const known = columnType(type);
    if (known === undefined) return name;
    columns.push({ name, type: known });
  }
  return columns;
}

/** Returns the type that holds all values of a type of Arrow, as their arrays have them; undefined if none does. */
function columnType(type: unknown): ColumnType | undefined {
  // LanceDB has a copy of Arrow's classes.
  const { typeId } = type as { typeId: Type };
  const { bitWidth, isSigned } = type as Int;
  if (typeId === Type.Utf8) return 'utf8';
  if (typeId === Type.Int) return isSigned || bitWidth < 64 ? 'int64' : undefined;
  return typeId === Type.Float && (type as Float).precision !== Precision.HALF ? 'float64' : undefined;
}

/**
 * Streams all rows of a table that another client may have written.
 * @param columns of `tableColumns`
 * @returns undefined for rows without ids, or without vectors of this dimension and type
 */
export async function* readRows(
  table: Table,
  columns: readonly Column[],
  dimension: number,
  vectorType: VectorType,
): AsyncGenerator<TableRows | undefined> {
  const names = new Set((await table.schema()).fields.map(({ name }) => name));
  if (!names.has('embedding') || !names.has('id')) {
    yield undefined;
    return;
  }
  for await (const found of table.query().select(['embedding', 'id', ...columns.map(({ name }) => name)])) {
    const batch = found as unknown as RecordBatch;
    if (batch.numRows === 0) continue;
    const dataOf = (name: string) => batch.getChild(name)!.data[0]!;
    const isOwn = isVectors(dataOf('embedding'), dimension, vectorType) && isIds(dataOf('id'));
    const kept = () => columns.map(({ name, type }) => cellsOf(dataOf(name), type));
    yield isOwn ? { ids: idColumn(batch as never), vectors: vectorsOf(batch), kept: kept() } : undefined;
  }
}

function isVectors({ type, nullCount }: Data, dimension: number, vectorType: VectorType): boolean {
  // LanceDB has a copy of Arrow's classes.
  const item = type.children?.[0]?.type as Float | undefined;
  const precision = vectorType === 'float16' ? Precision.HALF : Precision.SINGLE;
  return (
    nullCount === 0 &&
    (type as FixedSizeList).listSize === dimension &&
    item?.typeId === Type.Float &&
    item.precision === precision
  );
}

function isIds({ type, nullCount }: Data): boolean {
  return nullCount === 0 && type.typeId === Type.Utf8;
}

function cellsOf(data: Data, type: ColumnType): Utf8Column {
  const { offset, length, values, valueOffsets } = data;
  const isNull = (row: number) => data.nullCount > 0 && !data.getValid(row);
  if (type === 'utf8') {
    const texts = { offsets: valueOffsets as Int32Array, bytes: values as Uint8Array };
    return data.nullCount === 0
      ? columnSlice(texts, offset, offset + length)
      : textCells(texts, offset, length, isNull);
  }
  const numbers = Array.from((values as Int32Array).subarray(offset, offset + length));
  const cells = type === 'int64' ? BigInt64Array.from(numbers as never[], BigInt) : Float64Array.from(numbers);
  return numberCells(cells, isNull);
}

function textCells(
  { offsets, bytes }: Utf8Column,
  first: number,
  rows: number,
  isNull: (row: number) => boolean,
): Utf8Column {
  return columnFromBytes(
    Array.from({ length: rows }, (_, row) =>
      isNull(row) ? NULL_CELL : bytes.subarray(offsets[first + row], offsets[first + row + 1]),
    ),
  );
}
