import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { systemErrorCode } from './errors.ts';

/**
 * Returns a rejection handler that returns `value` if a file or folder does not exist. It rethrows other errors: a file that cannot be
 * read is not missing.
 */
export function returnIfMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (systemErrorCode(error) === 'ENOENT') return value;
    throw error;
  };
}

/** Returns the stats of a file or folder, or undefined if it does not exist. @throws the system's error otherwise */
export function findStats(path: string): Promise<Stats | undefined> {
  return stat(path).catch(returnIfMissing(undefined));
}
