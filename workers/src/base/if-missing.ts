import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { systemErrorCode } from './errors.ts';

/**
 * Handles a rejection: gives `value` where there is no such file or folder. Any other error is thrown on: a file that may not
 * be read, or cannot be now, is not a missing one.
 */
export function ifMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (systemErrorCode(error) === 'ENOENT') return value;
    throw error;
  };
}

/** What is known of a file or folder; undefined where there is none. @throws the system's error where that cannot be told */
export function findStats(path: string): Promise<Stats | undefined> {
  return stat(path).catch(ifMissing(undefined));
}
