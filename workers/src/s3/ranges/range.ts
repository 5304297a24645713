import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { countReceived, countRetry } from '../../app/usage.ts';
import type { ChecksumAlgorithm } from '../../base/bytes/checksum.ts';
import { DataError, TransientError, UserError } from '../../base/errors.ts';
import { formatS3Uri } from '../../base/s3-location.ts';
import type { S3Bucket } from '../client.ts';
import type { ByteSink } from '../drain.ts';
import type { RangeOptions } from '../handler.ts';
import { backoffMs, mayRepeat, THROTTLED_BASE_MS } from '../retry.ts';
import { isAbsent, isConflict, type S3Error, toS3UserError, wholeObject } from '../s3-errors.ts';
import { BlockWriter } from './block-writer.ts';
import type { SignedObject } from './signed-object.ts';

/**
 * Reads a range of an object. After a lost or stalled connection, it requests only the rest.
 * @param sink receives the bytes in order, each once
 * @throws DataError where the object is absent or shorter, UsageError where the service ignores ranges, TransientError where a fault
 *   lasts or the object of `signed` is replaced, and what the sink throws
 */
async function streamRange(
  s3: S3Bucket,
  key: string,
  offset: number,
  length: number,
  sink: ByteSink,
  { signal, signed }: { signal?: AbortSignal | undefined; signed?: SignedObject | undefined },
): Promise<void> {
  let done = 0;
  let failure: { error: unknown } | undefined;
  let busy: Promise<void> | undefined;
  const counted: ByteSink = {
    buffer: () => sink.buffer().subarray(0, length - done),
    filled(bytes) {
      done += bytes;
      // A failure of the sink, such as a full disk, is not retried.
      busy = sink.filled(bytes)?.catch((error: unknown) => {
        failure = { error };
        throw error;
      });
      return busy;
    },
  };
  for (let attempt = 0, startedMs = performance.now(); done < length; ) {
    const begun = done;
    try {
      await getRange(s3, key, offset + done, length - done, counted, signal, signed).finally(() =>
        countReceived(done - begun),
      );
      if (done < length) throw new Error('aborted: the body ended early');
    } catch (error) {
      // The buffer of the sink is in use until then.
      await busy?.catch(() => {});
      if (failure) throw failure.error;
      if (signal?.aborted || error instanceof UserError) throw error;
      // Progress restarts the limits of retries.
      if (done > begun) [attempt, startedMs] = [0, performance.now()];
      const isThrottled = (error as S3Error).$metadata?.httpStatusCode === 503;
      const delayMs = backoffMs(++attempt, isThrottled ? THROTTLED_BASE_MS : undefined);
      if (!mayRepeat(startedMs, attempt, delayMs)) {
        (error as S3Error).$metadata = { ...(error as S3Error).$metadata, attempts: attempt };
        throw toS3UserError(error, `GetObject ${formatS3Uri(s3.location, key)}`, s3.endpoint);
      }
      countRetry();
      await sleep(delayMs, undefined, { signal });
    }
  }
}

async function getRange(
  s3: S3Bucket,
  path: string,
  offset: number,
  length: number,
  sink: ByteSink,
  abortSignal: AbortSignal | undefined,
  signed: SignedObject | undefined,
): Promise<void> {
  const Range = `bytes=${offset}-${offset + length - 1}`;
  if (await signed?.get(Range, length, sink, abortSignal)) return;
  const { GetObjectCommand } = await import('@aws-sdk/client-s3');
  const version = signed?.etag === undefined ? {} : { IfMatch: signed.etag };
  const command = new GetObjectCommand({ Bucket: s3.location.bucket, Key: s3.key(path), Range, ...version });
  const options: RangeOptions = { sink, bytes: length, ...(abortSignal ? { abortSignal } : {}) };
  try {
    const { Body } = await s3.client.send(command, options as object);
    if (!options.body) {
      (Body as Readable | undefined)?.destroy();
      throw wholeObject(formatS3Uri(s3.location, path), s3.endpoint);
    }
    signed?.learn(options.sent, options.etag);
    await options.body;
    // Of a service that ignores conditions, or of a request that began before the version was known.
    if (signed && signed.etag !== options.etag) throw replaced(formatS3Uri(s3.location, path));
  } catch (error) {
    const uri = formatS3Uri(s3.location, path);
    if (isAbsent(error))
      throw new DataError(`${uri}: no such object. The database is damaged: build the bucket again.`, { cause: error });
    if ((error as S3Error).name === 'InvalidRange')
      throw new DataError(`${uri}: shorter than it was when it was written. Build the bucket again.`, { cause: error });
    if (signed && isConflict(error)) throw replaced(uri, error);
    throw error;
  }
}

function replaced(uri: string, cause?: unknown): TransientError {
  return new TransientError(`${uri}: was replaced while it was read. Run the same command again.`, { cause });
}

/** Block size: writing each received piece on its own would cost more than the write. */
const BLOCK_BYTES = 2 ** 19;

/**
 * Reads a range of an object block by block: one block is written while the other is filled. No write is pending when it returns or
 * throws. Errors: those of `streamRange`.
 * @param write receives a block, which stays unchanged until its promise resolves, and the position in the object
 * @returns checksum of the range
 */
export async function fetchBlocks(
  s3: S3Bucket,
  key: string,
  offset: number,
  length: number,
  write: (block: Buffer, position: number) => Promise<void>,
  { signal, algorithm }: { signal?: AbortSignal; algorithm?: ChecksumAlgorithm } = {},
): Promise<bigint> {
  const writer = new BlockWriter(write, offset, Math.min(length, BLOCK_BYTES), algorithm);
  try {
    await streamRange(s3, key, offset, length, writer, { signal });
  } catch (error) {
    // The first error is the one to report.
    await writer.end().catch(() => {});
    throw error;
  }
  return writer.end();
}

/**
 * Reads `length` bytes of an object from `offset` into the beginning of `into`.
 * @param signed of the object, of which many ranges are read
 * @throws those of `streamRange`
 */
export async function readRange(
  s3: S3Bucket,
  key: string,
  offset: number,
  length: number,
  into: Uint8Array,
  signed?: SignedObject,
): Promise<void> {
  const target = Buffer.from(into.buffer, into.byteOffset, length);
  let done = 0;
  const sink: ByteSink = {
    buffer: () => target.subarray(done),
    filled(bytes) {
      done += bytes;
      return undefined;
    },
  };
  await streamRange(s3, key, offset, length, sink, { signed });
}
