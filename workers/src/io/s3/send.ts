import type { FileHandle } from 'node:fs/promises';
import { CRC64 } from '../../core/checksum.ts';
import { TransientError } from '../../errors.ts';
import type { S3Bucket } from './client.ts';
import { type Buffers, runAll } from './slots.ts';

const PARTS_AT_ONCE = 16;

/** A file to be sent. */
export interface Source {
  file: FileHandle;
  path: string;
  bytes: number;
  partBytes: number;
  buffers: Buffers;
  onProgress?(bytes: number): void;
}

/** The object it becomes. */
export interface Where {
  Bucket: string;
  Key: string;
}

/** Sends a file in one piece. @returns its checksum */
export async function sendWhole(s3: S3Bucket, where: Where, source: Source, abortSignal: AbortSignal): Promise<bigint> {
  const { PutObjectCommand } = await import('@aws-sdk/client-s3');
  return sendPiece(source, 0, source.bytes, (Body, ChecksumCRC64NVME) =>
    s3.client.send(new PutObjectCommand({ ...where, Body, ChecksumAlgorithm: 'CRC64NVME', ChecksumCRC64NVME }), {
      abortSignal,
    }),
  );
}

/** Sends a file in parts, each with its CRC-64; S3 compares what they make together with that of the whole. @returns that */
export async function sendParts(s3: S3Bucket, where: Where, source: Source, signal: AbortSignal): Promise<bigint> {
  const {
    AbortMultipartUploadCommand,
    CompleteMultipartUploadCommand,
    CreateMultipartUploadCommand,
    UploadPartCommand,
  } = await import('@aws-sdk/client-s3');
  const { bytes, partBytes } = source;
  const checks = { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'FULL_OBJECT' } as const;
  const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ ...where, ...checks }));
  try {
    const starts = Array.from({ length: Math.ceil(bytes / partBytes) }, (_, i) => i * partBytes);
    const parts = await runAll(starts, PARTS_AT_ONCE, async (start, stop, index) => {
      const length = Math.min(partBytes, bytes - start);
      const part = { ...where, UploadId, PartNumber: index + 1, ChecksumAlgorithm: checks.ChecksumAlgorithm };
      let ETag: string | undefined;
      const sum = await sendPiece(source, start, length, async (Body, ChecksumCRC64NVME) => {
        const abortSignal = AbortSignal.any([signal, stop]);
        ({ ETag } = await s3.client.send(new UploadPartCommand({ ...part, Body, ChecksumCRC64NVME }), { abortSignal }));
      });
      return { PartNumber: index + 1, ETag, sum, length };
    });
    const whole = parts.reduce((sum, part) => CRC64.combine(sum, part.sum, part.length), 0n);
    const MultipartUpload = {
      Parts: parts.map(({ PartNumber, ETag, sum }) => ({ PartNumber, ETag, ChecksumCRC64NVME: toBase64(sum) })),
    };
    const checksum = { ChecksumCRC64NVME: toBase64(whole), ChecksumType: checks.ChecksumType };
    await s3.client.send(new CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload, ...checksum }));
    return whole;
  } catch (error) {
    // Where that fails too, the next run ends the upload.
    await s3.client.send(new AbortMultipartUploadCommand({ ...where, UploadId })).catch(() => {});
    throw error;
  }
}

/** Reads a piece of the file when there is a buffer for it, and sends it. @returns its checksum */
async function sendPiece(
  { file, path, buffers, onProgress }: Source,
  start: number,
  length: number,
  send: (body: Buffer, checksum: string) => Promise<unknown>,
): Promise<bigint> {
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
    await send(piece, toBase64(sum));
    onProgress?.(length);
    return sum;
  } finally {
    buffers.release(buffer);
  }
}

function toBase64(sum: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(sum);
  return bytes.toString('base64');
}
