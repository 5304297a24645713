import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import lockfile from 'proper-lockfile';
import { TransientError } from '../errors.ts';
import type { Database } from './database.ts';
import { hasEnded, processName } from './files.ts';
import { log } from './progress.ts';

/** A lock whose holder has not touched it for this long was left by a killed process. */
const STALE_MS = 15_000;
/** A lock whose holder is known to have ended is taken over sooner: only not from who is just taking it over. */
const ENDED_STALE_MS = 2_000;
const POLL_MS = 500;

/**
 * Runs `use` while no other process builds this bucket: the same build started twice, or a task that outlived
 * a killed run, would otherwise write to one table at once. Waits for the holder, however long it works.
 */
export async function withBucketLock<T>(database: Database, bucket: string, use: () => Promise<T>): Promise<T> {
  const path = join(database.uri, '_pending', bucket);
  await mkdir(dirname(path), { recursive: true });
  const failure = new AbortController();
  const release = await acquire(path, bucket, (error) => failure.abort(error));
  const holder = `${path}.holder`;
  try {
    await writeFile(holder, processName());
    const result = await use();
    failure.signal.throwIfAborted();
    return result;
  } finally {
    // A lock that was lost is somebody else's now.
    if (!failure.signal.aborted) {
      await rm(holder, { force: true });
      await release();
    }
  }
}

/** Removes what a killed process left of its lock, where the bucket will not be built again. */
export async function removeEndedLock(database: Database, bucket: string): Promise<void> {
  const path = join(database.uri, '_pending', bucket);
  const name = await readFile(`${path}.holder`, 'utf8').catch(() => '');
  if (!hasEnded(name)) return;
  await rm(`${path}.lock`, { recursive: true, force: true });
  await rm(`${path}.holder`, { force: true });
}

async function acquire(path: string, bucket: string, onCompromised: (error: Error) => void) {
  for (let waited = false; ; waited = true) {
    const name = await readFile(`${path}.holder`, 'utf8').catch(() => '');
    const stale = hasEnded(name) ? ENDED_STALE_MS : STALE_MS;
    try {
      return await lockfile.lock(path, {
        realpath: false,
        stale,
        update: stale / 5,
        onCompromised: (error) =>
          onCompromised(
            new TransientError(`The lock of ${bucket} was lost (${error.message}). Run the same command again.`),
          ),
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
      if (!waited)
        log(`${bucket} is being built by another process; waiting for it (for some seconds, if it was killed).`);
      await sleep(POLL_MS);
    }
  }
}
