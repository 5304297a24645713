import { beforeAll, beforeEach } from 'vitest';
import { s3Usage } from '../../workers/src/app/usage.ts';
import { openS3, type S3Bucket } from '../../workers/src/s3/client.ts';
import { listObjects } from '../../workers/src/s3/objects.ts';
import { useS3, withS3Server } from './s3.ts';
import type { S3Server } from './s3-server.ts';

/** Starts an S3 server for the tests of a file, and makes this process use it; databases are in its bucket `lance`. */
export function withDatabases(): { server: S3Server } {
  const held = withS3Server('moto');
  beforeAll(() => useS3(held.server.env));
  beforeEach(() => useS3(held.server.env));
  return held;
}

/** Opens a prefix in the bucket. */
export function at(prefix: string): Promise<S3Bucket> {
  return openS3(`s3://lance/${prefix}`);
}

/** Returns paths and ETags of all objects of a database. */
export async function objectsOf(s3: S3Bucket): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { path, etag } of listObjects(s3, '')) found.set(path, etag);
  return found;
}

/** Runs an action. @returns its requests to S3 */
export async function cost<T>(work: () => Promise<T>) {
  const before = s3Usage();
  const result = await work();
  const after = s3Usage();
  return {
    result,
    requests: after.requests - before.requests,
    sent: after.sentBytes - before.sentBytes,
    received: after.receivedBytes - before.receivedBytes,
  };
}
