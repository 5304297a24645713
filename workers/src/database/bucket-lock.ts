import type { Database } from './database.ts';

/**
 * Runs `use` while no other process builds this bucket. Without the lock, two runs of the same build, or a task that outlived a killed
 * run, would write to one table at once. Waits for another holder without limit.
 * @param use receives a signal that is aborted when the lock is lost; after that it must not write
 * @throws TransientError if the lock was lost
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
    // A lost lock belongs to another process.
    if (!failure.signal.aborted) await release();
  }
}
