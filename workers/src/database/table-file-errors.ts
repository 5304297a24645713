import { DataError, systemErrorCode, toUserError } from '../base/errors.ts';

/** What to tell where a table's file cannot be opened: a missing one is damage, one that cannot be read now is not. */
export function unopenedTableFile(path: string, cause: unknown): unknown {
  if (systemErrorCode(cause) !== 'ENOENT') return toUserError(cause);
  return new DataError(`${path}: the table's file is missing. Build the bucket again.`, { cause });
}

/** What to tell where a table's file ends before the rows that it should have. */
export function shortTableFile(path: string): DataError {
  return new DataError(`${path}: shorter than it was built. Build the bucket again.`);
}
