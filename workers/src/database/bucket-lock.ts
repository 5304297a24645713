import type { Database } from './database.ts';

/**
 * Runs `use` while no other process builds this bucket: the same build started twice, or a task that outlived
 * a killed run, would otherwise write to one table at once. Waits for the holder, however long it works.
 * @param use gets a signal that is aborted where the lock is lost: then it must not write any more
 * @throws TransientError where the lock was lost meanwhile
 */
export async function withBucketLock<T>(
  database: Database,
  bucket: string,
  use: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const failure = new AbortController();
  const release = await database.locks.acquire(bucket, (error) => failure.abort(error));
  try {
    const result = await use(failure.signal);
    failure.signal.throwIfAborted();
    return result;
  } finally {
    // A lock that was lost is somebody else's now.
    if (!failure.signal.aborted) await release();
  }
}
