import { createHash, randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemErrorCode } from '../errors.ts';
import { findStats, returnIfMissing } from '../missing-files.ts';
import { isAlive, pidNamespace } from './process-name.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Names have at most 255 bytes; namespace, process id, random digits and dots use up to 36 of them. */
const MAX_NAME_BYTES = 219;

/**
 * Returns an unused path `.name.<namespace>.<pid>.<random>.tmp` in the folder of `target`: on the same file system, and hidden from
 * globs. See `pidNamespace`.
 */
export function temporaryName(target: string): string {
  return join(
    dirname(target),
    `${temporaryPrefix(target)}${pidNamespace()}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`,
  );
}

/** Returns the prefix of temporary names. Hashes a name close to the limit of file systems, so that they are not too long. */
function temporaryPrefix(target: string): string {
  const name = basename(target);
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return `.${name}.`;
  return `.${createHash('sha256').update(name).digest('hex').slice(0, 32)}.`;
}

/** Removes temporary files of `target` whose process has ended; those of other machines after a day. */
export async function removeStale(target: string): Promise<void> {
  const prefix = temporaryPrefix(target);
  for (const name of await readdir(dirname(target)).catch(emptyIfUnreadable)) {
    const path = join(dirname(target), name);
    if (name.startsWith(prefix) && (await isStale(path, name.slice(prefix.length))))
      await rm(path, { recursive: true, force: true });
  }
}

/** Returns an empty list for a folder that cannot be listed, which then keeps its stale files. */
function emptyIfUnreadable(error: unknown): string[] {
  return systemErrorCode(error) === 'EACCES' ? [] : returnIfMissing<string[]>([])(error);
}

async function isStale(path: string, suffix: string): Promise<boolean> {
  const match = /^([0-9a-f]{8})\.(\d+)\.[0-9a-f]{8}\.tmp$/.exec(suffix);
  if (!match) return false;
  if (match[1] === pidNamespace()) return !isAlive(Number(match[2]));
  const info = await findStats(path);
  return info !== undefined && Date.now() - info.mtimeMs > DAY_MS;
}
