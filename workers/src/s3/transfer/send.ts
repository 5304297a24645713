import type { FileHandle } from 'node:fs/promises';
import { CRC64 } from '../../base/bytes/checksum.ts';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import type { ResourcePool } from '../../base/concurrency/resource-pool.ts';
import { TransientError } from '../../base/errors.ts';
import { formatS3Uri } from '../../base/s3-location.ts';
import type { S3Bucket } from '../client.ts';
import { fetchBlocks } from '../range.ts';
import { isUnknownToService } from '../s3-errors.ts';
import { useMd5 } from '../service.ts';
import { BY_CRC64, BY_MD5, type PieceCheck } from './piece-check.ts';

const PARTS_AT_ONCE = 16;

/** A file to send. */
export interface Source {
  file: FileHandle;
  path: string;
  bytes: number;
  partBytes: number;
  buffers: ResourcePool<Buffer>;
  onProgress?: ((bytes: number) => void) | undefined;
}

/** The result of sending. */
interface Sent {
  /** CRC-64 of the content. */
  sum: bigint;
  /** Whether the responses confirm that the service has the same content. */
  isConfirmed: boolean;
}

/** The service accepted a piece without verifying it. */
class UncheckedError extends Error {}

/**
 * Sends a file, in parts if it is large. The service verifies the CRC-64 of each piece and of the whole. One that does not support it
 * verifies MD5, and if its ETags do not confirm that, the object is read again.
 * @param key path below the location
 * @returns CRC-64 of the content
 * @throws TransientError where the file changes meanwhile, or another content arrived
 */
export async function sendFile(s3: S3Bucket, key: string, source: Source, signal: AbortSignal): Promise<bigint> {
  const { service } = s3;
  const send = source.bytes <= source.partBytes ? sendWhole : sendParts;
  if (service.checksCrc64 !== false) {
    let counted = 0;
    const onProgress = (bytes: number) => {
      counted += bytes;
      source.onProgress?.(bytes);
    };
    try {
      const { sum } = await send(s3, key, { ...source, onProgress }, BY_CRC64, signal);
      service.checksCrc64 ??= true;
      return sum;
    } catch (error) {
      // If it has verified files before, something else is wrong.
      if (service.checksCrc64 === true || !(error instanceof UncheckedError || isUnknownToService(error))) throw error;
      source.onProgress?.(-counted);
    }
  }
  const { sum, isConfirmed } = await send(s3, key, source, BY_MD5, signal);
  useMd5(s3);
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

async function sendWhole(s3: S3Bucket, key: string, source: Source, check: PieceCheck, abortSignal: AbortSignal) {
  const { PutObjectCommand } = await import('@aws-sdk/client-s3');
  const where = { Bucket: s3.location.bucket, Key: s3.key(key) };
  return sendPiece(source, 0, source.bytes, check, (Body, fields) =>
    s3.client.send(new PutObjectCommand({ ...where, Body, ...fields }), { abortSignal }),
  );
}

async function sendParts(
  s3: S3Bucket,
  key: string,
  source: Source,
  check: PieceCheck,
  signal: AbortSignal,
): Promise<Sent> {
  const {
    AbortMultipartUploadCommand,
    CompleteMultipartUploadCommand,
    CreateMultipartUploadCommand,
    UploadPartCommand,
  } = await import('@aws-sdk/client-s3');
  const where = { Bucket: s3.location.bucket, Key: s3.key(key) };
  const { bytes, partBytes } = source;
  const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ ...where, ...check.create }));
  try {
    const starts = Array.from({ length: Math.ceil(bytes / partBytes) }, (_, i) => i * partBytes);
    const parts = await mapConcurrently(starts, PARTS_AT_ONCE, async (start, index, stop) => {
      const length = Math.min(partBytes, bytes - start);
      const PartNumber = index + 1;
      const abortSignal = AbortSignal.any([signal, stop]);
      const sent = await sendPiece(source, start, length, check, (Body, fields) =>
        s3.client.send(new UploadPartCommand({ ...where, UploadId, PartNumber, Body, ...fields }), { abortSignal }),
      );
      return { ...sent, length, listed: { PartNumber, ETag: sent.etag, ...check.listed(sent.fields) } };
    });
    const sum = parts.reduce((before, part) => CRC64.combine(before, part.sum, part.length), 0n);
    const MultipartUpload = { Parts: parts.map(({ listed }) => listed) };
    const complete = { ...where, UploadId, MultipartUpload, ...check.complete(sum) };
    await s3.client.send(new CompleteMultipartUploadCommand(complete));
    return { sum, isConfirmed: parts.every(({ isConfirmed }) => isConfirmed) };
  } catch (error) {
    // If that fails too, the next run aborts the upload.
    await s3.client.send(new AbortMultipartUploadCommand({ ...where, UploadId })).catch(() => {});
    throw error;
  }
}

/** Reads a piece of the file into a free buffer, and sends it. */
async function sendPiece(
  { file, path, buffers, onProgress }: Source,
  start: number,
  length: number,
  check: PieceCheck,
  send: (body: Buffer, fields: object) => Promise<{ ETag?: string; ChecksumCRC64NVME?: string }>,
): Promise<Sent & { fields: object; etag: string | undefined }> {
  const buffer = await buffers.acquire();
  try {
    const piece = buffer.subarray(0, length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await file.read(piece, done, length - done, start + done);
      if (bytesRead === 0)
        throw new TransientError(`${path}: became shorter while it was sent. Run the same command again.`);
      done += bytesRead;
    }
    const sum = CRC64.of(piece);
    const fields = check.fields(piece, sum);
    const answer = await send(piece, fields);
    const isConfirmed = check.confirms(fields, answer);
    // A response with the same checksum was verified; for Content-MD5 the caller checks that.
    if (!isConfirmed && check === BY_CRC64) throw new UncheckedError(path);
    onProgress?.(length);
    return { sum, isConfirmed, fields, etag: answer.ETag };
  } finally {
    buffers.release(buffer);
  }
}
