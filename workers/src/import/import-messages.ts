// Messages of importing vectors for users: the file and row, the problem, and what to do.

import { DataError, UsageError } from '../base/errors.ts';
import { quoteValue } from '../base/text/quote.ts';

const NUMPY = 'numpy.save(path, vectors.astype("float32"))';

export function unknownKind(path: string): UsageError {
  return new UsageError(`${path}: of no known kind: HDF5, Parquet or .npy, by its first bytes.`);
}

export function idsOnlyForNpy(path: string): UsageError {
  return new UsageError(`--ids is for .npy files; ${path} has its own ids.`);
}

export function namesOnlyForHdf5(path: string): UsageError {
  return new UsageError(`--h5-embedding and --h5-id are for HDF5 files; ${path} is none.`);
}

export function isOutput(path: string): UsageError {
  return new UsageError(`${path}: is also --output. Write to another file.`);
}

export function noRows(path: string): DataError {
  return new DataError(`${path}: no vectors in this file. Remove it from the input, or create it again.`);
}

export function differentFiles(path: string, other: string): DataError {
  return new DataError(`${path} and ${other} have vectors of two models or dimensions. Ask them separately.`);
}

export function numericIdsNote(path: string, type: string): string {
  return `${path}: its ids are ${type}; their decimal text is read.`;
}

/** @param file of which texts are missing */
export function missingTextsNote(path: string, column: string): string {
  return `${path}: texts of the column ${quoteValue(column)} are missing; HDF5 has no null, so they are empty texts in the shard.`;
}

// .npy

/** @param names of --keep */
export function noNpyColumns(path: string, names: readonly string[]): UsageError {
  return new UsageError(
    `--keep ${names.join(',')}: ${path} has vectors alone, as every .npy file. Write a Parquet or HDF5 file with the columns.`,
  );
}

export function badNpy(path: string, problem: string): DataError {
  return new DataError(`${path}: not a .npy file of vectors: ${problem}. Write it again: ${NUMPY}.`);
}

export function wrongNpyShape(path: string, shape: readonly number[]): DataError {
  return new DataError(`${path}: its shape is (${shape.join(', ')}); vectors are a matrix (N, D). ${NUMPY}.`);
}

export function wrongNpyType(path: string, type: string): DataError {
  return new DataError(
    `${path}: its type is ${quoteValue(type)}; float16, float32, float64 and integers can be read. ${NUMPY}.`,
  );
}

export function shortNpy(path: string, bytes: number, expectedBytes: number): DataError {
  return new DataError(`${path}: truncated: it has ${bytes} of ${expectedBytes} bytes. Copy or create the file again.`);
}

/** @param ids path of the file of ids */
export function noIdFile(path: string, ids: string): DataError {
  return new DataError(`${path}: no file of its ids, ${ids}: write it, one id a line, in the order of the vectors.`);
}

/** @param ids path of the file of ids */
export function idFileNotUtf8(ids: string): DataError {
  return new DataError(`${ids}: is not UTF-8. Convert it (iconv -f LATIN1 -t UTF-8 old > new).`);
}

export function idCountDiffers(path: string, ids: string, rows: number, idRows: number, isMore: boolean): DataError {
  return new DataError(
    `${ids}: ${isMore ? 'more than ' : ''}${idRows} ids, but ${path} has ${rows} vectors. There must be one id a line for each vector.`,
  );
}

/** @param ids path of the file of ids */
export function wrongIdShape(ids: string, shape: readonly number[]): DataError {
  return new DataError(`${ids}: its shape is (${shape.join(', ')}); ids are an array (N,), one for each vector.`);
}

/** @param ids path of the file of ids @param type as numpy writes it; empty for a structure */
export function wrongIdType(ids: string, type: string): DataError {
  return new DataError(
    `${ids}: its type is ${quoteValue(type === '' ? 'a structure' : type)}; ids are texts or integers: ` +
      'numpy.save(path, numpy.array(ids, dtype=str)). Objects (O) are not read.',
  );
}

/** @param ids path of the file of ids */
export function npyIdNotUtf8(ids: string, row: number): DataError {
  return new DataError(`${ids}: row ${row}: the id is not UTF-8. Decode it: numpy.char.decode(ids, "latin-1").`);
}

// Parquet

export function badParquet(path: string, problem: string, cause: unknown): DataError {
  return new DataError(
    `${path}: this Parquet file cannot be read: ${problem}. It is damaged, or its row groups are too large: write it in smaller ` +
      'ones (pyarrow: pq.write_table(table, path, row_group_size=50000)).',
    { cause },
  );
}

/** @param what the column that is missing @param columns of the file, with their types */
export function noParquetColumn(path: string, what: string, columns: readonly string[]): DataError {
  return new DataError(`${path}: no column of ${what}. It has ${columns.join(', ')}.`);
}

export function severalParquetColumns(path: string, what: string, name: string, columns: readonly string[]): DataError {
  return new DataError(
    `${path}: several columns of ${what}. It has ${columns.join(', ')}. Rename the one to read: ${quoteValue(name)}.`,
  );
}

/** @param name of the column @param what it should have */
export function wrongParquetColumn(path: string, name: string, type: string, what: string): DataError {
  return new DataError(
    `${path}: the column ${quoteValue(name)} is ${type}, not ${what}. Convert it, or rename it if another column has them.`,
  );
}

/** @param problem of the row */
export function badParquetRow(path: string, column: string, row: number, problem: string): DataError {
  return new DataError(`${path}: row ${row}: ${quoteValue(column)} ${problem}. Fix or remove the row.`);
}
