import type { S3Client } from '@aws-sdk/client-s3';
import { CRC64 } from '../../base/bytes/checksum.ts';
import type { S3Bucket } from '../client.ts';
import { CHECKS, type CheckName } from '../piece-check.ts';
import { FileBody } from './file-body.ts';
import { abortUpload } from './open-uploads.ts';
import type { PieceRequest, SentPiece } from './send-piece.ts';

/** The service accepted a piece without verifying it, or does not know how. */
export class UncheckedError extends Error {}

interface ClientOptions {
  check: CheckName;
  /** Sends a piece of the file. @returns undefined where the service does not know the check */
  sendPiece: (body: FileBody, target: PieceRequest['target']) => Promise<SentPiece | undefined>;
  /** Aborted by the first failure, with its reason. */
  failed: AbortController;
  signal: AbortSignal;
}

/** The fields of commands that are read here. */
interface Input {
  Body?: unknown;
  Bucket?: string;
  Key?: string;
  UploadId?: string;
  PartNumber?: number;
}

/**
 * Makes a client for one `Upload` of a FileBody: its pieces are sent by `sendPiece`, and the other requests get the checksums that the
 * service verifies.
 * @returns the client, and the pieces by their numbers, to which it adds each one that was sent
 */
export async function checkedClient(
  s3: S3Bucket,
  { check: checkName, sendPiece, failed, signal }: ClientOptions,
): Promise<{ client: S3Client; pieces: readonly SentPiece[] }> {
  const { AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateMultipartUploadCommand } = await import(
    '@aws-sdk/client-s3'
  );
  type Command = Parameters<S3Client['send']>[0] & { input: Input };
  const { client } = s3;
  const check = CHECKS[checkName];
  const pieces: SentPiece[] = [];

  async function sendBody(body: FileBody, { Bucket, Key, UploadId, PartNumber }: Input): Promise<object> {
    const target = { Bucket, Key, UploadId, PartNumber } as PieceRequest['target'];
    const piece = await sendPiece(body, target);
    // Content-MD5 that a response does not confirm is verified by reading the object again.
    if (!piece || (!piece.isConfirmed && checkName === 'crc64')) throw new UncheckedError('not verified');
    pieces[(PartNumber ?? 1) - 1] = piece;
    return piece.listed;
  }

  async function send(command: Command): Promise<unknown> {
    const { input } = command;
    // If that fails too, the next run aborts the upload. The failure before it is the one to report.
    if (command instanceof AbortMultipartUploadCommand) return abortUpload(s3, input).catch(() => {});
    try {
      signal.throwIfAborted();
      failed.signal.throwIfAborted();
      if (input.Body instanceof FileBody) return await sendBody(input.Body, input);
      if (command instanceof CreateMultipartUploadCommand) Object.assign(input, check.create);
      if (command instanceof CompleteMultipartUploadCommand) Object.assign(input, check.complete(wholeSum(pieces)));
      return await client.send(command);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  }
  return { client: Object.create(client, { send: { value: send } }) as S3Client, pieces };
}

/** Combines the CRC-64 of all pieces. */
export function wholeSum(pieces: readonly SentPiece[]): bigint {
  return pieces.reduce((before, { sum, bytes }) => CRC64.combine(before, sum, bytes), 0n);
}
