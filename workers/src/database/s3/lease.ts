import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { log } from '../../app/progress.ts';
import { TransientError } from '../../base/errors.ts';
import { hasEnded, processName } from '../../base/files/process-name.ts';
import { isRecord, parseJson, SIZE } from '../../base/text/document.ts';
import { lostLock, waitingForLock } from '../database-messages.ts';
import type { BucketLocks } from '../database-parts.ts';
import type { Tagged } from '../object-store.ts';
import type { S3Store } from './s3-store.ts';

/** A lease expires when it was not renewed for this long, which is longer than a request is retried. */
const LEASE_MS = 60_000;
/** Upper limit of the time that a lease can claim for itself. */
const MOST_LEASE_MS = 600_000;
const RENEW_MS = 10_000;
const POLL_MS = 1_000;
const WATCH_MS = 500;

interface LeaseTimes {
  leaseMs: number;
  renewMs: number;
}

/** Content of a lease's object. */
interface Lease {
  /** Name of the process (see processName). Only its own machine can tell that it has ended. */
  owner: string;
  host: string;
  /** Identifies one acquisition. */
  token: string;
  /** Counts renewals, so that each changes the object. */
  renewals: number;
  leaseMs: number;
}

/**
 * Locks buckets by objects `_pending/<bucket>.lock`, which the holder renews by conditional writes. A waiting process takes a lock over
 * when it has seen no renewal for the time of its lease; clocks of two machines are never compared.
 */
export function s3Locks(store: S3Store, times: LeaseTimes = { leaseMs: LEASE_MS, renewMs: RENEW_MS }): BucketLocks {
  const keyOf = (bucket: string) => `_pending/${bucket}.lock`;
  return {
    async acquire(bucket, onLost) {
      const lease: Lease = {
        owner: processName(),
        host: hostname(),
        token: randomBytes(8).toString('hex'),
        renewals: 0,
        leaseMs: times.leaseMs,
      };
      const etag = await waitFor(store, keyOf(bucket), bucket, lease);
      return hold(store, keyOf(bucket), bucket, { lease, etag, renewMs: times.renewMs }, onLost);
    },
    async removeEnded(bucket) {
      const current = await store.readTagged(keyOf(bucket));
      if (current && hasEnded(parseLease(current).owner)) await store.remove(keyOf(bucket));
    },
  };
}

/** @returns the ETag of the lease's object */
async function waitFor(store: S3Store, key: string, bucket: string, lease: Lease): Promise<string> {
  const text = format(lease);
  let seen: { etag: string; atMs: number } | undefined;
  for (let waited = false; ; waited = true) {
    const current = await store.readTagged(key);
    if (!current) {
      const etag = await store.createTagged(key, text);
      if (etag !== undefined) return etag;
      continue;
    }
    const { owner, token, leaseMs } = parseLease(current);
    // The service created the object, but its answer was lost and the request was retried.
    if (token === lease.token) return current.etag;
    if (seen?.etag !== current.etag) seen = { etag: current.etag, atMs: performance.now() };
    if (hasEnded(owner) || performance.now() - seen!.atMs > leaseMs) {
      const etag = await store.replaceTagged(key, text, current.etag);
      if (etag !== undefined) return etag;
      continue;
    }
    if (!waited) log(waitingForLock(bucket, 'for a minute, if it was killed elsewhere'));
    await sleep(POLL_MS);
  }
}

/** Renews a lease until it is released. @returns a function that releases it */
function hold(
  store: S3Store,
  key: string,
  bucket: string,
  { lease, etag: firstEtag, renewMs }: { lease: Lease; etag: string; renewMs: number },
  onLost: (error: Error) => void,
): () => Promise<void> {
  const ended = new AbortController();
  let etag = firstEtag;
  let renewedMs = performance.now();
  const lose = (reason: string) => {
    if (ended.signal.aborted) return;
    ended.abort();
    onLost(new TransientError(lostLock(bucket, reason)));
  };
  const watch = setInterval(() => {
    if (performance.now() - renewedMs > lease.leaseMs) lose(`not renewed for ${lease.leaseMs / 1000} s`);
  }, WATCH_MS);
  watch.unref();

  const renew = async () => {
    const startedMs = performance.now();
    lease.renewals++;
    const text = format(lease);
    const renewed = await store.replaceTagged(key, text, etag);
    const current = renewed === undefined ? await store.readTagged(key) : { etag: renewed, text };
    if (current?.text !== text) {
      lose(current ? `${parseLease(current).host} has it` : 'its object was removed: is the database being deleted?');
      return;
    }
    etag = current.etag;
    renewedMs = startedMs;
  };
  const renewing = (async () => {
    while (!ended.signal.aborted) {
      // Ends early, with an error, when the lease is released.
      await sleep(renewMs, undefined, { ref: false, signal: ended.signal }).catch(() => {});
      // The watch ends the lease if faults last.
      if (!ended.signal.aborted) await renew().catch(() => {});
    }
  })();
  return async () => {
    clearInterval(watch);
    ended.abort();
    await renewing;
    await store.remove(key);
  };
}

function format(lease: Lease): string {
  return `${JSON.stringify({ version: 1, ...lease, renewed: new Date().toISOString() })}\n`;
}

/** Lenient, because another version may have written the object: a wrong field counts as unknown. */
const LEASE = z.object({
  owner: z.catch(z.string(), ''),
  host: z.catch(z.string(), ''),
  token: z.catch(z.string(), ''),
  leaseMs: z.catch(
    z.pipe(
      SIZE,
      z.transform((ms) => Math.min(ms, MOST_LEASE_MS)),
    ),
    LEASE_MS,
  ),
});

function parseLease({ text }: Tagged): z.infer<typeof LEASE> {
  const value = parseJson(text);
  return LEASE.parse(isRecord(value) ? value : {});
}
