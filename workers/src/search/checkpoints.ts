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
import { SEARCH_MESSAGES } from './search-messages.ts';

/** The finished parts of a long search: files in a folder that is named after everything that determines the answer. */
export interface Checkpoints {
  /** Returns the decision made before a kill, or makes it now: all blocks of a search follow one decision. */
  decision<S extends z.ZodMiniType>(schema: S, decide: () => Promise<z.output<S>>): Promise<z.output<S>>;
  /**
   * Returns the path of a file that was finished before a kill, or is written now. The file stays until `use` has returned, whatever
   * other processes do.
   * @param write gets a temporary path
   */
  file(name: string, write: (temporary: string) => Promise<unknown>): Promise<string>;
}

const DECISION = 'decision.json';
/** Attempts to share a file. One fails where another process removes the folder at that moment, because it has finished. */
const MOST_ATTEMPTS = 20;
/** Error codes of file systems without hard links. */
const UNLINKABLE = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'];

/**
 * Runs `use` with the files that an earlier run of the same search left when it was killed, and removes them when `use` has
 * returned. Processes that run the same search at once share their finished files, and none depends on another: each works on
 * files in a folder of its own, which are hard links of those in the shared folder.
 * @param parent folder of the shared folder
 * @param key everything that determines the content of the files
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
    // A file is complete when its checksum exists. A damaged one is written again.
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
        // Of two processes that decided at once, the first one counts.
        const text = await readFile(join(folder, DECISION), 'utf8').catch(returnIfMissing(undefined));
        const sealed = text ?? (await readFile(own, 'utf8'));
        decided = `.${hashOf(sealed).slice(0, 8)}`;
        const path = join(folder, DECISION);
        const fail = (problem: string) => new DataError(SEARCH_MESSAGES.damagedDecision(path, problem, folder));
        return checkDocument(schema, parseSealed(sealed, fail).decision, fail);
      },
      // The folder may have been removed and made again with another decision: files of two decisions are never mixed.
      file: (file, write) => shareChecked(file.replace(/(?=\.\w+$)/, decided), write),
    });
    await removeFolder(folder);
    return result;
  });
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** Links a finished file into the own folder. @returns false where there is none */
async function take(shared: string, own: string): Promise<boolean> {
  try {
    await linkOrCopy(shared, own);
    return true;
  } catch (error) {
    return returnIfMissing(false)(error);
  }
}

/** Links a finished file into the shared folder, for other processes and for a run after a kill. */
async function publish(own: string, shared: string): Promise<void> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++)
    try {
      await mkdir(dirname(shared), { recursive: true });
      await linkOrCopy(own, shared);
      return;
    } catch (error) {
      // Another process has finished and removed the folder. Without the file, a run after a kill only has more to do.
      returnIfMissing(undefined)(error);
    }
}

/** @throws the system's error where `from`, or the folder of `to`, does not exist; `to` may exist */
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
