import { createHash } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { systemErrorCode } from '../../errors.ts';
import { removeStale, temporaryName, writeAtomically } from '../files.ts';

/** What a long search has done so far: files in a folder that is named after all that decides the answer. */
export interface Checkpoints {
  /** What was decided before a kill, or is decided now: the blocks of one search are all searched in one way. */
  decision<T>(decide: () => Promise<T>): Promise<T>;
  /**
   * A file that was finished before a kill, or is written now.
   * @param write gets a temporary path
   */
  file(name: string, write: (temporary: string) => Promise<unknown>): Promise<string>;
}

/**
 * Runs `use` with what an earlier run of the same work left after it was killed. Removed when `use` has returned. Two
 * processes that do the same work at once share the files, which are the same whoever writes them; one that finds them
 * removed makes them again.
 * @param parent folder for the folder
 * @param key all that decides the content of the files, as JSON
 */
export async function withCheckpoints<T>(
  parent: string,
  label: string,
  key: object,
  use: (checkpoints: Checkpoints) => Promise<T>,
): Promise<T> {
  const hash = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 32);
  const folder = join(resolve(parent), `.${label}.${hash}.blocks`);
  const checkpoints: Checkpoints = {
    async decision(decide) {
      const path = await checkpoints.file('decision.json', async (temporary) =>
        writeFile(temporary, JSON.stringify(await decide())),
      );
      return JSON.parse(await readFile(path, 'utf8'));
    },
    async file(name, write) {
      const path = join(folder, name);
      if (await isThere(path)) return path;
      await writeAtomically(path, write);
      return path;
    },
  };
  await removeStale(folder);
  const result = await use(checkpoints);
  // Renamed first: whoever is killed here leaves nothing that looks finished and is not.
  const removed = temporaryName(folder);
  await rename(folder, removed).catch(ignoreAbsent);
  await rm(removed, { recursive: true, force: true });
  return result;
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

function ignoreAbsent(error: unknown): void {
  if (systemErrorCode(error) !== 'ENOENT') throw error;
}
