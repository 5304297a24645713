import { open } from 'node:fs/promises';
import { CRC64 } from '../../base/bytes/checksum.ts';
import type { ResourcePool } from '../../base/concurrency/resource-pool.ts';
import { TransientError } from '../../base/errors.ts';
import type { S3Bucket } from '../client.ts';
import { CHECKS, type CheckName } from '../piece-check.ts';
import { isUnknownToService } from '../s3-errors.ts';

/** A range of a file, to be sent as a part of an upload or as a whole object. */
export interface PieceRequest {
  path: string;
  start: number;
  bytes: number;
  check: CheckName;
  /** Whether the service may not know the check. */
  isTrial: boolean;
  /** `UploadId` and `PartNumber` of a part. */
  target: { Bucket?: string; Key?: string; UploadId?: string; PartNumber?: number };
}

/** A piece that the service has accepted. */
export interface SentPiece {
  bytes: number;
  /** Its CRC-64. */
  sum: bigint;
  /** Whether the response confirms the content. */
  isConfirmed: boolean;
  /** Fields of the response that the completing request repeats. */
  listed: { ETag?: string };
}

/**
 * Reads a piece of a file, adds the checksum that the service verifies, sends it, and checks the response.
 * @param buffers of at least the piece's bytes
 * @returns undefined where the service does not know the check of a trial
 * @throws TransientError where the file has become shorter
 */
export async function sendPiece(
  s3: S3Bucket,
  { path, start, bytes, check: checkName, isTrial, target }: PieceRequest,
  buffers: ResourcePool<Buffer>,
  { stopped, cut }: { stopped: AbortSignal; cut: AbortSignal },
): Promise<SentPiece | undefined> {
  const { PutObjectCommand, UploadPartCommand } = await import('@aws-sdk/client-s3');
  const buffer = await buffers.acquire();
  try {
    stopped.throwIfAborted();
    const piece = buffer.subarray(0, bytes);
    await readPiece(path, start, piece);
    const check = CHECKS[checkName];
    const sum = CRC64.of(piece);
    const fields = check.fields(piece, sum);
    stopped.throwIfAborted();
    const input = { Bucket: undefined, Key: undefined, UploadId: undefined, ...target, Body: piece, ...fields };
    const answer =
      target.PartNumber === undefined
        ? await s3.client.send(new PutObjectCommand(input), { abortSignal: cut })
        : await s3.client.send(new UploadPartCommand({ PartNumber: undefined, ...input }), { abortSignal: cut });
    const isConfirmed = check.confirms(fields, answer);
    const listed = { ...(answer.ETag === undefined ? {} : { ETag: answer.ETag }), ...check.listed(fields) };
    return { bytes, sum, isConfirmed, listed };
  } catch (error) {
    if (isTrial && isUnknownToService(error)) return undefined;
    throw error;
  } finally {
    buffers.release(buffer);
  }
}

async function readPiece(path: string, start: number, piece: Buffer): Promise<void> {
  await using file = await open(path);
  for (let done = 0; done < piece.length; ) {
    const { bytesRead } = await file.read(piece, done, piece.length - done, start + done);
    if (bytesRead === 0)
      throw new TransientError(`${path}: became shorter while it was sent. Run the same command again.`);
    done += bytesRead;
  }
}
