/** Caches of one connection of the LanceDB client, in bytes. */
const CACHES = { index: 6 * 2 ** 30, metadata: 2 ** 30 };
/** Shares of the memory that they may take: without a limit, a function on AWS Lambda is killed once it has answered enough questions. */
const SHARES = { index: 1 / 4, metadata: 1 / 24 };

/** Returns the bytes of the client's caches. @param memoryBytes of this process */
export function cacheLimits(memoryBytes: number): { index: number; metadata: number } {
  return {
    index: Math.round(Math.min(CACHES.index, memoryBytes * SHARES.index)),
    metadata: Math.round(Math.min(CACHES.metadata, memoryBytes * SHARES.metadata)),
  };
}
