import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { findStats } from '../missing-files.ts';
import { withScratch } from './scratch.ts';
import { flush } from './write-atomically.ts';

/**
 * Writes a file that `write` may not create: `path` is then removed, so that it is never that of an earlier run.
 * @param write receives a temporary path, which does not exist yet
 * @returns the result of `write`
 */
export function writeOptionally<T>(path: string, write: (temporary: string) => Promise<T>): Promise<T> {
  const target = resolve(path);
  return withScratch(dirname(target), basename(target), async (folder) => {
    const temporary = join(folder, 'output');
    const result = await write(temporary);
    if (await findStats(temporary)) {
      await flush(temporary);
      await rename(temporary, target);
    } else await rm(target, { force: true });
    return result;
  });
}
