import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../../base/errors.ts';
import { isStreamOutput } from '../../base/files/stream-output.ts';
import { temporaryName } from '../../base/files/temporary.ts';
import { MONITORING_MESSAGES } from './monitoring-messages.ts';

/** Checks that a file can be replaced, and creates its folder. @throws UsageError for a pipe, a device or a folder */
export function prepareMetricsFile(path: string): void {
  const target = resolve(path);
  if (isStreamOutput(target) || statSync(target, { throwIfNoEntry: false })?.isFile() === false)
    throw new UsageError(MONITORING_MESSAGES.notAFile(path));
  mkdirSync(dirname(target), { recursive: true });
}

/**
 * Replaces a small file in one step. Synchronous, because a signal may be about to end the process. It is not flushed to the disk: after a
 * power failure nobody needs its metrics.
 */
export function replaceFile(path: string, text: string): void {
  const target = resolve(path);
  const temporary = temporaryName(target);
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
