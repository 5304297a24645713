import { DataError } from '../errors.ts';

/** What to tell where a table's file cannot be opened. */
export function missingTableFile(path: string, cause: unknown): DataError {
  return new DataError(`${path}: the table's file is missing. Build the bucket again.`, { cause });
}

/** What to tell where a table's file ends before the rows that it should have. */
export function shortTableFile(path: string): DataError {
  return new DataError(`${path}: shorter than it was built. Build the bucket again.`);
}
