// Messages of kept columns of shards for users: the file, the column and row, the problem, and what to do.

import { COLUMN_NAME } from '../../base/columns/column-type.ts';
import { DataError } from '../../base/errors.ts';
import { MAX_CELL_BYTES } from '../../base/limits.ts';
import { counted } from '../../base/text/counted.ts';

const LEAVE_OUT = 'or name other columns in --keep';

export function columnOfOtherLength(
  path: string,
  name: string,
  shape: readonly number[] | null,
  rows: number,
): DataError {
  return new DataError(
    `${path}: the column "${name}" has the shape [${shape?.join(', ') ?? 'scalar'}]; with ${counted(rows, 'vector')} ` +
      `it must be [${rows}]. Write one value a row, ${LEAVE_OUT}.`,
  );
}

export function columnOfOtherType(path: string, name: string, type: string): DataError {
  return new DataError(
    `${path}: the column "${name}" is ${type}; a kept column has strings, integers, or floating-point numbers of 32 or 64 bits. ` +
      `Convert it, ${LEAVE_OUT}.`,
  );
}

export function badColumnName(path: string, name: string): DataError {
  return new DataError(
    `${path}: a column cannot be called ${JSON.stringify(name)}: use ${COLUMN_NAME}. Rename it, ${LEAVE_OUT}.`,
  );
}

export function cellTooLong(path: string, name: string, row: number, byteLength: number): DataError {
  return new DataError(
    `${path}: "${name}" of row ${row} has ${byteLength} bytes; at most ${MAX_CELL_BYTES} are allowed. Shorten it, ${LEAVE_OUT}.`,
  );
}

export function cellNotUtf8(path: string, name: string, row: number, latin1: string): DataError {
  return new DataError(
    `${path}: "${name}" of row ${row} (${JSON.stringify(latin1)} in Latin-1) is not UTF-8. ` +
      'Write it as UTF-8 (h5py: dtype=h5py.string_dtype("utf-8")).',
  );
}

export function integerTooLarge(path: string, name: string, row: number, value: bigint): DataError {
  return new DataError(
    `${path}: "${name}" of row ${row} is ${value}, more than an int64 holds. Write it as text or float64, ${LEAVE_OUT}.`,
  );
}

/** @param value of a column of integers that is stored as float64, because others are missing */
export function integerNotExact(path: string, name: string, row: number, value: number | bigint): DataError {
  return new DataError(
    `${path}: "${name}" of row ${row} is ${value}. The column is kept as float64, as values of other rows are missing, and float64 does not ` +
      `hold it exactly. Write it as text, ${LEAVE_OUT}.`,
  );
}

/** @param name a name of --keep that no column can have */
export function badKeep(name: string): string {
  return `--keep: ${JSON.stringify(name)} is no column's name: use ${COLUMN_NAME}. Or pass "all" or "none".`;
}

/** @param names of --keep @param own columns of FASTA */
export function noFastaColumn(names: readonly string[], own: readonly string[]): string {
  return `--keep ${names.join(',')}: FASTA has ${own.join(' and ')} alone. Name one or both, or pass "none".`;
}

/** Other inputs may have them. @param names of --keep */
export function columnsNotThere(path: string, names: readonly string[]): string {
  return `${path}: has no column ${names.join(', ')}, so none of its rows has a value there. lanceflow list-columns lists its columns.`;
}

/** @param names of --keep @param found columns of the inputs */
export function noSuchColumn(names: readonly string[], found: readonly string[]): DataError {
  const there =
    found.length > 0 ? `The inputs have ${found.join(', ')}` : 'The inputs have no columns beside vectors and ids';
  const columns = names.map((name) => `"${name}"`).join(', ');
  return new DataError(`--keep: no input has a column ${columns}. ${there}.`);
}

export function cellWithNul(path: string, name: string, row: number): DataError {
  return new DataError(
    `${path}: "${name}" of row ${row} has a NUL character, at which HDF5 ends a text. Remove it, ${LEAVE_OUT}.`,
  );
}
