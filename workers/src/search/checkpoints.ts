import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type * as z from 'zod/mini';
import { checksumOfFile } from '../base/bytes/file-checksum.ts';
import { DataError, systemErrorCode } from '../base/errors.ts';
import { removeFolder, withScratch } from '../base/files/scratch.ts';
import { temporaryName } from '../base/files/temporary.ts';
import { writeAtomically } from '../base/files/write-atomically.ts';
import { returnIfMissing } from '../base/missing-files.ts';
import { checkDocument, parseSealed, sealedText } from '../base/text/document.ts';

/** What a long search has done so far: files in a folder that is named after all that decides the answer. */
export interface Checkpoints {
  /** What was decided before a kill, or is decided now: the blocks of one search are all searched in one way. */
  decision<S extends z.ZodMiniType>(schema: S, decide: () => Promise<z.output<S>>): Promise<z.output<S>>;
  /**
   * A file that was finished before a kill, or is written now. It stays until `use` has returned, whatever other processes do.
   * @param write gets a temporary path
   */
  file(name: string, write: (temporary: string) => Promise<unknown>): Promise<string>;
}

const DECISION = 'decision.json';
/** Each time, another process has removed the folder because it was done. */
const MOST_ATTEMPTS = 20;
/** Of file systems without hard links. */
const UNLINKABLE = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'];

/**
 * Runs `use` with what an earlier run of the same work left after it was killed; removed when `use` has returned. Processes that
 * do the same work at once share what each has finished, and none needs another to live, or to be done: a process works on files
 * in a folder of its own, which are hard links of those in the shared one.
 * @param parent folder for the folder
 * @param key all that decides the content of the files, as JSON
 */
export async function withCheckpoints<T>(
  parent: string,
  label: string,
  key: object,
  use: (checkpoints: Checkpoints) => Promise<T>,
): Promise<T> {
  const name = `.${label}.${hashOf(JSON.stringify(key))}.blocks`;
  const folder = join(resolve(parent), name);
  return withScratch(parent, name, async (scratch) => {
    let decided = '';
    const share = async (shared: string, write: (temporary: string) => Promise<unknown>) => {
      const own = join(scratch, shared);
      if (await take(join(folder, shared), own)) return own;
      await writeAtomically(own, write);
      await publish(own, join(folder, shared));
      return own;
    };
    // A file counts when its checksum is there. One that was damaged since is made anew.
    const shareChecked = async (shared: string, write: (temporary: string) => Promise<unknown>) => {
      const [own, checksum] = [join(scratch, shared), `${shared}.checksum`];
      if ((await take(join(folder, shared), own)) && (await take(join(folder, checksum), join(scratch, checksum)))) {
        if ((await checksumOfFile(own)) === (await readFile(join(scratch, checksum), 'utf8'))) return own;
        for (const damaged of [checksum, shared]) await rm(join(folder, damaged), { force: true });
      }
      await writeAtomically(own, write);
      const found = await checksumOfFile(own);
      await writeAtomically(join(scratch, checksum), (temporary) => writeFile(temporary, found));
      for (const file of [shared, checksum]) await publish(join(scratch, file), join(folder, file));
      return own;
    };
    const result = await use({
      async decision(schema, decide) {
        const own = await share(DECISION, async (temporary) =>
          writeFile(temporary, sealedText({ decision: await decide() })),
        );
        // Of two that decided at once, the first one counts.
        const text = await readFile(join(folder, DECISION), 'utf8').catch(returnIfMissing(undefined));
        const sealed = text ?? (await readFile(own, 'utf8'));
        decided = `.${hashOf(sealed).slice(0, 8)}`;
        const fail = (problem: string) =>
          new DataError(
            `${join(folder, DECISION)}: damaged: ${problem}. Remove the folder ${folder} and search again.`,
          );
        return checkDocument(schema, parseSealed(sealed, fail).decision, fail);
      },
      // Where the folder was removed and made again meanwhile, its decision may be another: files of two are never mixed.
      file: (file, write) => shareChecked(file.replace(/(?=\.\w+$)/, decided), write),
    });
    await removeFolder(folder);
    return result;
  });
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** Makes a finished file one's own. @returns false where there is none */
async function take(shared: string, own: string): Promise<boolean> {
  try {
    await linkOrCopy(shared, own);
    return true;
  } catch (error) {
    return returnIfMissing(false)(error);
  }
}

/** Gives a finished file to others, and to a run after a kill. */
async function publish(own: string, shared: string): Promise<void> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++)
    try {
      await mkdir(dirname(shared), { recursive: true });
      await linkOrCopy(own, shared);
      return;
    } catch (error) {
      // Another process is done and has removed the folder. Without a copy there, a run after a kill only has more to do.
      returnIfMissing(undefined)(error);
    }
}

/** @throws the system's error where `from`, or the folder of `to`, is not there; `to` may be there already */
async function linkOrCopy(from: string, to: string): Promise<void> {
  const code = await link(from, to).then(
    () => undefined,
    (error: unknown) => {
      const found = systemErrorCode(error) ?? '';
      if (found === 'EEXIST' || UNLINKABLE.includes(found)) return found;
      throw error;
    },
  );
  if (code === undefined || code === 'EEXIST') return;
  const temporary = temporaryName(to);
  await copyFile(from, temporary);
  await rename(temporary, to);
}
