import { createHash, randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemErrorCode } from '../errors.ts';
import { findStats, ifMissing } from '../if-missing.ts';
import { isAlive, owner } from './process-name.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A name may have 255 bytes; owner, process number, random digits and dots take up to 36. */
const MOST_NAME_BYTES = 219;

/**
 * `.name.<owner>.<pid>.<random>.tmp` in the folder of `target`: on its file system, and out of the way of
 * globs. The owner is this machine's (or container's) process space, where the pid means something.
 */
export function temporaryName(target: string): string {
  return join(
    dirname(target),
    `${temporaryPrefix(target)}${owner()}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`,
  );
}

/** A name that is nearly as long as a file system takes is shortened, so that its temporary name fits too. */
function temporaryPrefix(target: string): string {
  const name = basename(target);
  if (Buffer.byteLength(name) <= MOST_NAME_BYTES) return `.${name}.`;
  return `.${createHash('sha256').update(name).digest('hex').slice(0, 32)}.`;
}

/** Removes temporary files of `target` whose process is gone. Those of other machines count as gone after a day. */
export async function removeStale(target: string): Promise<void> {
  const prefix = temporaryPrefix(target);
  for (const name of await readdir(dirname(target)).catch(ifUnlisted)) {
    const path = join(dirname(target), name);
    if (name.startsWith(prefix) && (await isStale(path, name.slice(prefix.length))))
      await rm(path, { recursive: true, force: true });
  }
}

/** A folder that may be written but not listed keeps what is stale in it. */
function ifUnlisted(error: unknown): string[] {
  return systemErrorCode(error) === 'EACCES' ? [] : ifMissing<string[]>([])(error);
}

async function isStale(path: string, suffix: string): Promise<boolean> {
  const match = /^([0-9a-f]{8})\.(\d+)\.[0-9a-f]{8}\.tmp$/.exec(suffix);
  if (!match) return false;
  if (match[1] === owner()) return !isAlive(Number(match[2]));
  const info = await findStats(path);
  return info !== undefined && Date.now() - info.mtimeMs > DAY_MS;
}
