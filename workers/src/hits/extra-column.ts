import { columnFrom, columnText, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { validityOf } from '../base/columns/validity.ts';

/** Types of extra columns. */
export const EXTRA_TYPES = ['utf8', 'int64', 'float32', 'float64'] as const;
export type ExtraType = (typeof EXTRA_TYPES)[number];

/**
 * An extra column of neighbours: one after `query_id, rank, target_id, distance, bucket`. Files list extra columns in the order of their
 * fields, and so does `extra` of every batch.
 */
export interface ExtraField {
  readonly name: string;
  readonly type: ExtraType;
}

/**
 * The values of an extra column, one a row: text, or numbers in the array of the field's type (int64: BigInt64Array, float32:
 * Float32Array, float64: Float64Array). What the rows without a value hold does not matter.
 */
export type ExtraColumn = (Utf8Column | { readonly values: BigInt64Array | Float32Array | Float64Array }) & {
  /** Arrow's bitmap: bit `row & 7` of byte `row >> 3` is 1 where the row has a value. Undefined: every row has one. */
  readonly validity?: Uint8Array | undefined;
};

export type ExtraValue = string | number | bigint | null;

const ARRAYS = { int64: BigInt64Array, float32: Float32Array, float64: Float64Array } as const;

/** Creates the array of a type's values. @param length row count */
export function createValues(type: Exclude<ExtraType, 'utf8'>, length: number) {
  return new ARRAYS[type](length);
}

/** Returns neighbours with further extra columns after those that they have. The rows are shared. */
export function withExtra<T extends { distances: Float32Array; extra?: readonly ExtraColumn[] | undefined }>(
  batch: T,
  columns: readonly ExtraColumn[],
) {
  return { ...batch, extra: [...(batch.extra ?? []), ...columns] };
}

/** Returns whether a row has a value: false for null. */
export function hasValue({ validity }: ExtraColumn, row: number): boolean {
  return validity === undefined || (validity[row >> 3]! & (1 << (row & 7))) !== 0;
}

/** Returns a row's value: a bigint for int64, null for none. */
export function extraValue(column: ExtraColumn, row: number): ExtraValue {
  if (!hasValue(column, row)) return null;
  return 'values' in column ? column.values[row]! : columnText(column, row);
}

/** Builds a column from values of its type; int64 takes bigints and whole numbers. For small columns: use a builder for large ones. */
export function extraFrom(type: ExtraType, values: readonly ExtraValue[]): ExtraColumn {
  const validity = validityOf(values.map((value) => value !== null));
  if (type === 'utf8') return { ...columnFrom(values.map((value) => String(value ?? ''))), validity };
  if (type === 'int64') return { values: BigInt64Array.from(values, (value) => BigInt(value ?? 0)), validity };
  const numbers = values.map((value) => Number(value ?? 0));
  return { values: type === 'float32' ? Float32Array.from(numbers) : Float64Array.from(numbers), validity };
}
