import type { FileHandle } from 'node:fs/promises';
import { CRC64 } from '../../base/bytes/checksum.ts';
import type { ResourcePool } from '../../base/concurrency/resource-pool.ts';
import { TransientError } from '../../base/errors.ts';
import { formatS3Uri } from '../../base/s3-location.ts';
import type { WrittenBytes } from '../../base/threads/written-bytes.ts';
import type { S3Bucket } from '../client.ts';
import { fetchBlocks } from '../range.ts';
import { isUnknownToService } from '../s3-errors.ts';
import { checkedClient, UncheckedError, wholeSum } from './checked-client.ts';
import { FileBody } from './file-body.ts';
import { BY_CRC64, BY_MD5, type PieceCheck } from './piece-check.ts';

const PARTS_AT_ONCE = 16;

/** A file to send. */
export interface Source {
  file: FileHandle;
  path: string;
  bytes: number;
  /** Of a file that is still being written. */
  written: WrittenBytes | undefined;
  partBytes: number;
  buffers: ResourcePool<Buffer>;
  onProgress: (bytes: number) => void;
}

/** The result of sending. */
interface Sent {
  /** CRC-64 of the content. */
  sum: bigint;
  /** Whether the responses confirm that the service has the same content. */
  isConfirmed: boolean;
}

/**
 * Sends a file, in parts if it is large. The service verifies the CRC-64 of each piece and of the whole. One that does not support it
 * verifies MD5, and if its ETags do not confirm that, the object is read again.
 * @param key path below the location
 * @returns CRC-64 of the content
 * @throws TransientError where the file changes meanwhile, or another content arrived
 */
export async function sendFile(s3: S3Bucket, key: string, source: Source, signal: AbortSignal): Promise<bigint> {
  const { service } = s3;
  if (service.checksCrc64 !== false) {
    let counted = 0;
    const onProgress = (bytes: number) => {
      counted += bytes;
      source.onProgress(bytes);
    };
    try {
      const { sum } = await upload(s3, key, { ...source, onProgress }, BY_CRC64, signal);
      service.checksCrc64 ??= true;
      return sum;
    } catch (error) {
      // If it has verified files before, something else is wrong.
      if (service.checksCrc64 === true || !(error instanceof UncheckedError || isUnknownToService(error))) throw error;
      source.onProgress(-counted);
    }
  }
  const { sum, isConfirmed } = await upload(s3, key, source, BY_MD5, signal);
  service.checksCrc64 = false;
  if (!isConfirmed) {
    const found = await fetchBlocks(s3, key, 0, source.bytes, async () => {}, { signal, algorithm: CRC64 });
    if (found !== sum)
      throw new TransientError(
        `${formatS3Uri(s3.location, key)}: ${s3.endpoint} keeps another content than was sent. Check the network, then run the same ` +
          'command again.',
      );
  }
  return sum;
}

async function upload(
  s3: S3Bucket,
  key: string,
  source: Source,
  check: PieceCheck,
  signal: AbortSignal,
): Promise<Sent> {
  const { Upload } = await import('@aws-sdk/lib-storage');
  // Of many parts in flight, the first failure stops the others.
  const failed = new AbortController();
  const stopped = AbortSignal.any([signal, failed.signal]);
  const read = async (body: FileBody, use: (piece: Buffer) => Promise<void>) => {
    await source.written?.reach(body.start + body.byteLength, stopped);
    await withPiece(source, body, use);
  };
  const { onProgress } = source;
  const { client, pieces } = await checkedClient(s3.client, { check, read, onProgress, failed, signal });
  const params = { Bucket: s3.location.bucket, Key: s3.key(key), Body: new FileBody(0, source.bytes) };
  try {
    await new Upload({ client, params, partSize: source.partBytes, queueSize: PARTS_AT_ONCE }).done();
  } catch (error) {
    throw failed.signal.aborted ? failed.signal.reason : error;
  }
  return { sum: wholeSum(pieces), isConfirmed: pieces.every(({ isConfirmed }) => isConfirmed) };
}

/** Reads a piece of the file into a free buffer for `use`. */
async function withPiece(
  { file, path, buffers }: Source,
  { start, byteLength }: FileBody,
  use: (piece: Buffer) => Promise<void>,
): Promise<void> {
  const buffer = await buffers.acquire();
  try {
    const piece = buffer.subarray(0, byteLength);
    for (let done = 0; done < byteLength; ) {
      const { bytesRead } = await file.read(piece, done, byteLength - done, start + done);
      if (bytesRead === 0)
        throw new TransientError(`${path}: became shorter while it was sent. Run the same command again.`);
      done += bytesRead;
    }
    await use(piece);
  } finally {
    buffers.release(buffer);
  }
}
