import type { S3Client } from '@aws-sdk/client-s3';
import { CRC64 } from '../../base/bytes/checksum.ts';
import { FileBody } from './file-body.ts';
import { BY_CRC64, type PieceCheck } from './piece-check.ts';

/** A part of a file, or a whole one, that the service has accepted. */
export interface SentPiece {
  bytes: number;
  /** Its CRC-64. */
  sum: bigint;
  /** Whether the response confirms the content. */
  isConfirmed: boolean;
}

/** The service accepted a piece without verifying it. */
export class UncheckedError extends Error {}

interface ClientOptions {
  check: PieceCheck;
  /** Reads a range of the file. The buffer is valid until the promise of `use` resolves. */
  read: (body: FileBody, use: (piece: Buffer) => Promise<void>) => Promise<void>;
  onProgress: (bytes: number) => void;
  /** Aborted by the first failure, with its reason. */
  failed: AbortController;
  signal: AbortSignal;
}

/** The fields of commands and responses that are read or added here. */
interface Input {
  Body?: unknown;
  PartNumber?: number;
}
interface Answer {
  ETag?: string;
  ChecksumCRC64NVME?: string;
}

/**
 * Makes a client for one `Upload` of a FileBody: it reads the content of each part, adds the checksums that the service verifies,
 * and checks the responses.
 * @returns the client, and the pieces by their numbers, to which it adds each one that was sent
 */
export async function checkedClient(
  client: S3Client,
  { check, read, onProgress, failed, signal }: ClientOptions,
): Promise<{ client: S3Client; pieces: readonly SentPiece[] }> {
  const { AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateMultipartUploadCommand } = await import(
    '@aws-sdk/client-s3'
  );
  type Command = Parameters<S3Client['send']>[0] & { input: Input };
  const abortSignal = AbortSignal.any([signal, failed.signal]);
  const pieces: SentPiece[] = [];

  async function sendPiece(command: Command, body: FileBody): Promise<Answer> {
    let answer: Answer = {};
    await read(body, async (piece) => {
      abortSignal.throwIfAborted();
      const sum = CRC64.of(piece);
      const fields = check.fields(piece, sum);
      Object.assign(command.input, { Body: piece }, fields);
      const full = (await client.send(command, { abortSignal })) as Answer;
      const isConfirmed = check.confirms(fields, full);
      // A response with the same checksum was verified; for Content-MD5 the caller checks that.
      if (!isConfirmed && check === BY_CRC64) throw new UncheckedError('not verified');
      pieces[(command.input.PartNumber ?? 1) - 1] = { bytes: piece.length, sum, isConfirmed };
      onProgress(piece.length);
      answer = { ...(full.ETag === undefined ? {} : { ETag: full.ETag }), ...check.listed(fields) };
    });
    return answer;
  }

  async function send(command: Command): Promise<unknown> {
    try {
      if (command.input.Body instanceof FileBody) return await sendPiece(command, command.input.Body);
      // If that fails too, the next run aborts the upload. The failure before it is the one to report.
      if (command instanceof AbortMultipartUploadCommand) return await client.send(command).catch(() => {});
      if (command instanceof CreateMultipartUploadCommand) Object.assign(command.input, check.create);
      if (command instanceof CompleteMultipartUploadCommand)
        Object.assign(command.input, check.complete(wholeSum(pieces)));
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
