import { DataError, systemErrorCode, toUserError } from '../base/errors.ts';
import { missingTableFile, shortTableFile } from './database-messages.ts';

/** Creates the error for a table's file that cannot be opened: a missing file is damage, one that cannot be read now is not. */
export function unopenedTableFile(path: string, cause: unknown): unknown {
  if (systemErrorCode(cause) !== 'ENOENT') return toUserError(cause);
  return new DataError(missingTableFile(path), { cause });
}

/** Creates the error for a table's file that ends before its last row. */
export function truncatedTableFile(path: string): DataError {
  return new DataError(shortTableFile(path));
}
