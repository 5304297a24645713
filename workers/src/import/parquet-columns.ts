import { DataType, type Schema, type Vector } from 'apache-arrow';
import { columnFrom, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { numberCells } from '../base/columns/cells.ts';
import { type Column, type ColumnType, isColumnName } from '../base/columns/column-type.ts';
import {
  badColumnName,
  cellWithNul,
  columnOfOtherType,
  integerNotExact,
  integerTooLarge,
} from '../shard/columns/column-messages.ts';
import type { Keep } from '../shard/columns/keep.ts';
import { cellCheck } from '../shard/columns/text-checks.ts';
import { missingTextsNote } from './import-messages.ts';
import { isTextType } from './parquet-types.ts';

/** A kept column of a Parquet file. */
export interface ParquetColumn extends Column {
  /** Whether its integers are stored as float64, because some are missing: HDF5 has no null, and NaN stands for it. */
  isWidened: boolean;
}

/**
 * Finds the columns of a Parquet file to keep.
 * @param own names of the columns of vectors and ids
 * @throws DataError for a named column of another type, and for a name that no column can have
 */
export function keptColumns(path: string, schema: Schema, own: readonly string[], keep: Keep): ParquetColumn[] {
  if (keep === 'written') return [];
  const isAny = keep === 'all' || keep === 'possible';
  const fields = schema.fields.filter(({ name }) => !own.includes(name) && (isAny || keep.includes(name)));
  return fields.flatMap(({ name, type }) => {
    const columnType = columnTypeOf(type);
    if (columnType === undefined) {
      if (isAny) return [];
      throw columnOfOtherType(path, name, `${type}`);
    }
    if (isColumnName(name)) return { name, type: columnType, isWidened: false };
    // The index of pandas is no column of the user's.
    if (keep === 'possible' || /^__index_level_\d+__$/.test(name)) return [];
    throw badColumnName(path, name);
  });
}

function columnTypeOf(type: DataType): ColumnType | undefined {
  if (isTextType(type)) return 'utf8';
  if (DataType.isInt(type)) return 'int64';
  return DataType.isFloat(type) && type.precision > 0 ? 'float64' : undefined;
}

/** Returns a function that converts the rows of a column. Missing numbers are null; missing texts are empty. */
export function cellReader(
  path: string,
  { name, type, isWidened }: ParquetColumn,
  onNote: (note: string) => void,
): (values: Vector, firstRow: number) => Utf8Column {
  if (type === 'utf8') return textReader(path, name, onNote);
  return (values, firstRow) => {
    const isNull = (row: number) => values.get(row) === null;
    if (type === 'float64') {
      const numbers = Float64Array.from({ length: values.length }, (_, row) => {
        const value = values.get(row) as number | bigint | null;
        if (isWidened && value !== null && BigInt(Number(value)) !== BigInt(value))
          throw integerNotExact(path, name, firstRow + row, value);
        return value === null ? Number.NaN : Number(value);
      });
      return numberCells(numbers, (row) => Number.isNaN(numbers[row]));
    }
    const integers = new BigInt64Array(values.length);
    for (let row = 0; row < values.length; row++) {
      const value = BigInt((values.get(row) as number | bigint | null) ?? 0);
      integers[row] = value;
      if (integers[row] !== value) throw integerTooLarge(path, name, firstRow + row, value);
    }
    return numberCells(integers, isNull);
  };
}

function textReader(path: string, name: string, onNote: (note: string) => void) {
  const check = cellCheck(path, name);
  let hasNoted = false;
  return (values: Vector, firstRow: number): Utf8Column => {
    const texts = Array.from({ length: values.length }, (_, row) => values.get(row) as string | null);
    if (!hasNoted && texts.includes(null)) {
      onNote(missingTextsNote(path, name));
      hasNoted = true;
    }
    const cells = columnFrom(texts.map((text) => text ?? ''));
    const nul = texts.findIndex((text) => text?.includes('\0'));
    if (nul >= 0) throw cellWithNul(path, name, firstRow + nul);
    check(cells, firstRow);
    return cells;
  };
}
