import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatS3Uri } from '../../core/s3-location.ts';
import { DataError, UserError } from '../../errors.ts';
import type { S3Bucket } from './client.ts';
import { isAbsent, type S3Error, toS3UserError } from './errors.ts';
import { backoffMs, mayRepeat } from './retry.ts';
import { countMissing, countRetry } from './usage.ts';

/** Takes the next bytes of a range; they lie `position` bytes after its begin. What it returns is waited for. */
export type ByteSink = (chunk: Buffer, position: number) => void | Promise<void>;

/**
 * Reads a part of an object, as a stream. A connection that is cut or stalls is made again for the rest only.
 * @throws DataError where the object is absent or shorter, TransientError where a fault lasts
 */
export async function streamRange(
  s3: S3Bucket,
  key: string,
  offset: number,
  length: number,
  sink: ByteSink,
  signal?: AbortSignal,
): Promise<void> {
  let done = 0;
  let attempt = 0;
  let startedMs = performance.now();
  while (done < length) {
    const begun = done;
    let sinkFailed = false;
    try {
      const body = await openRange(s3, key, offset + done, length - done, signal);
      for await (const chunk of body as AsyncIterable<Buffer>) {
        if (chunk.length > length - done) throw new Error(`aborted: more bytes than were asked for`);
        try {
          await sink(chunk, done);
        } catch (error) {
          sinkFailed = true;
          throw error;
        }
        done += chunk.length;
      }
      if (done < length) throw new Error('aborted: the body ended early');
    } catch (error) {
      if (sinkFailed || signal?.aborted || error instanceof UserError) throw error;
      countMissing(length - done);
      // What moves on is no lasting fault.
      if (done > begun) [attempt, startedMs] = [0, performance.now()];
      const delayMs = backoffMs(++attempt);
      if (!mayRepeat(startedMs, attempt, delayMs)) {
        (error as S3Error).$metadata = { attempts: attempt };
        throw toS3UserError(error, `GetObject ${formatS3Uri(s3.location, key)}`, s3.endpoint);
      }
      countRetry();
      await sleep(delayMs, undefined, { signal });
    }
  }
}

async function openRange(s3: S3Bucket, path: string, offset: number, length: number, signal?: AbortSignal) {
  const { GetObjectCommand } = await import('@aws-sdk/client-s3');
  const Range = `bytes=${offset}-${offset + length - 1}`;
  const command = new GetObjectCommand({ Bucket: s3.location.bucket, Key: s3.key(path), Range });
  try {
    const { Body } = await s3.client.send(command, signal ? { abortSignal: signal } : {});
    return Body as Readable;
  } catch (error) {
    const uri = formatS3Uri(s3.location, path);
    if (isAbsent(error))
      throw new DataError(`${uri}: no such object. The database is damaged: build the bucket again.`, { cause: error });
    if ((error as S3Error).name === 'InvalidRange')
      throw new DataError(`${uri}: shorter than it was when it was written. Build the bucket again.`, { cause: error });
    throw error;
  }
}

/** Reads `length` bytes of an object from `offset` on, to the beginning of `into`. Errors: as `streamRange`. */
export async function readRange(
  s3: S3Bucket,
  key: string,
  offset: number,
  length: number,
  into: Uint8Array,
): Promise<void> {
  await streamRange(s3, key, offset, length, (chunk, position) => into.set(chunk, position));
}
