import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import lockfile from 'proper-lockfile';
import { log } from '../../app/progress.ts';
import { TransientError } from '../../base/errors.ts';
import { hasEnded, processName } from '../../base/files/process-name.ts';
import { returnIfMissing } from '../../base/missing-files.ts';
import { lostLock, waitingForLock } from '../database-messages.ts';
import type { BucketLocks } from '../database-parts.ts';
import { observingFs } from '../node/observed-lock.ts';

/** A lock that has not changed for this long belongs to a killed process. */
const STALE_MS = 15_000;
/** A lock whose holder is known to have ended is taken over sooner, unless another process has just done so. */
const ENDED_STALE_MS = 2_000;
const POLL_MS = 500;

/**
 * Locks buckets with folders `_pending/<bucket>.lock`, whose modification time the holder renews. A waiting process takes over a lock
 * when it has seen no renewal for a while; clocks of two machines are never compared.
 */
export function localLocks(root: string): BucketLocks {
  const folder = join(root, '_pending');
  return {
    async acquire(bucket, onLost) {
      await mkdir(folder, { recursive: true });
      const path = join(folder, bucket);
      const release = await waitFor(path, bucket, onLost);
      await writeFile(`${path}.holder`, processName());
      return async () => {
        await rm(`${path}.holder`, { force: true });
        await release();
      };
    },
    async removeEnded(bucket) {
      const path = join(folder, bucket);
      if (!hasEnded(await holderOf(path))) return;
      await rm(`${path}.lock`, { recursive: true, force: true });
      await rm(`${path}.holder`, { force: true });
    },
  };
}

async function waitFor(path: string, bucket: string, onLost: (error: Error) => void) {
  const fs = observingFs();
  for (let waited = false; ; waited = true) {
    const stale = hasEnded(await holderOf(path)) ? ENDED_STALE_MS : STALE_MS;
    try {
      return await lockfile.lock(path, {
        fs,
        realpath: false,
        stale,
        update: stale / 5,
        onCompromised: (error) => onLost(new TransientError(lostLock(bucket, error.message))),
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
      if (!waited) log(waitingForLock(bucket, 'for some seconds, if it was killed'));
      await sleep(POLL_MS);
    }
  }
}

function holderOf(path: string): Promise<string> {
  return readFile(`${path}.holder`, 'utf8').catch(returnIfMissing(''));
}
