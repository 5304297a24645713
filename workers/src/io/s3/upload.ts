import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import type { ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3';
import { formatCrc32 } from '../../core/crc32.ts';
import { formatS3Uri } from '../../core/s3-location.ts';
import { TransientError } from '../../errors.ts';
import { checksumOf } from '../lance/table-files.ts';
import type { S3Bucket } from './client.ts';
import { isAbsent, type S3Error } from './errors.ts';
import { runAll, Slots } from './slots.ts';

/** A file to be brought to S3. */
export interface UploadFile {
  /** Path below the place on S3. */
  key: string;
  /** The file. */
  path: string;
  /** CRC-32 of the file, hex, where it is known already: then a file that is there is not read again. */
  crc32?: string;
}

export interface UploadedFile {
  key: string;
  bytes: number;
  /** CRC-32 of the content, hex; S3 has checked it. */
  crc32: string;
  /** False where the same content was there already. */
  sent: boolean;
}

export interface UploadOptions {
  /** Called with the bytes that have arrived since it was last called; those that were there count too. */
  onProgress?(bytes: number): void;
}

const MIN_PART_BYTES = 8 * 2 ** 20;
const MAX_PARTS = 10_000;
const PARTS_AT_ONCE = 12;
const FILES_AT_ONCE = 6;

/**
 * Brings files to S3, several of them and several parts of each at once. Memory: PARTS_AT_ONCE parts and some more.
 * S3 checks the CRC-32 of each part and of the whole. What is there already, of the same size and checksum, is left.
 * Interrupted anywhere, it can be run again; `abortUploads` removes what it leaves half done.
 */
export async function uploadFiles(
  s3: S3Bucket,
  files: readonly UploadFile[],
  options: UploadOptions = {},
): Promise<UploadedFile[]> {
  const slots = new Slots(PARTS_AT_ONCE);
  return runAll(files, FILES_AT_ONCE, (file, signal) => uploadFile(s3, file, slots, options, signal));
}

async function uploadFile(
  s3: S3Bucket,
  { key, path, crc32: known }: UploadFile,
  slots: Slots,
  { onProgress }: UploadOptions,
  signal: AbortSignal,
): Promise<UploadedFile> {
  await using file = await open(path);
  const { size } = await file.stat();
  const there = await remoteChecksum(s3, key);
  if (there?.bytes === size && there.crc32 === (known ?? (await checksumOf(path)))) {
    onProgress?.(size);
    return { key, bytes: size, crc32: there.crc32, sent: false };
  }
  const { Upload } = await import('@aws-sdk/lib-storage');
  const partBytes = Math.max(MIN_PART_BYTES, Math.ceil(size / MAX_PARTS / 2 ** 20) * 2 ** 20);
  const sum = { crc32: 0 };
  const held = { slots: 0 };
  const Body =
    size <= partBytes
      ? await readWhole(file, size, sum)
      : Readable.from(readParts(file, size, partBytes, sum, slots, held), { highWaterMark: 1 });
  const upload = new Upload({
    client: s3.client,
    partSize: partBytes,
    queueSize: PARTS_AT_ONCE,
    params: {
      Bucket: s3.location.bucket,
      Key: s3.key(key),
      Body,
      // S3 checks each part and what they make together; it is the checksum that the catalog has.
      ChecksumAlgorithm: 'CRC32',
      ...(size > partBytes ? { ChecksumType: 'FULL_OBJECT' } : {}),
    },
  });
  let arrived = 0;
  upload.on('httpUploadProgress', ({ loaded = 0 }) => {
    if (held.slots > 0) {
      held.slots--;
      slots.release();
    }
    onProgress?.(loaded - arrived);
    arrived = loaded;
  });
  const stop = () => void upload.abort();
  signal.addEventListener('abort', stop);
  try {
    const { ChecksumCRC32 } = await upload.done();
    const own = formatCrc32(sum.crc32);
    const theirs = fromBase64(ChecksumCRC32);
    if (theirs !== undefined && theirs !== own)
      throw new TransientError(
        `${path}: changed while it was sent to ${formatS3Uri(s3.location, key)}, or was damaged on its way. Run the same command again.`,
      );
    return { key, bytes: size, crc32: own, sent: true };
  } finally {
    signal.removeEventListener('abort', stop);
    for (; held.slots > 0; held.slots--) slots.release();
  }
}

/** Size and CRC-32 of an object; undefined where it is absent, no CRC where S3 knows none of the whole. */
async function remoteChecksum(s3: S3Bucket, key: string) {
  const { GetObjectCommand, HeadObjectCommand } = await import('@aws-sdk/client-s3');
  const where = { Bucket: s3.location.bucket, Key: s3.key(key) };
  const head = async () => {
    const { ContentLength, ChecksumCRC32 } = await s3.client.send(
      new HeadObjectCommand({ ...where, ChecksumMode: 'ENABLED' }),
    );
    return { bytes: ContentLength, crc32: fromBase64(ChecksumCRC32) };
  };
  try {
    return await head().catch(async (error: S3Error) => {
      if (error.$metadata?.httpStatusCode !== 400) throw error;
      // The answer to HEAD does not say what was wrong. That to GET does, and what can be mended is mended with it.
      await s3.client.send(new GetObjectCommand({ ...where, Range: 'bytes=0-0' })).catch((told: unknown) => {
        if ((told as S3Error).name !== 'InvalidRange') throw told; // an empty object
      });
      return head();
    });
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Hex of S3's base64; undefined for a checksum of checksums ("...-3"). */
function fromBase64(checksum: string | undefined): string | undefined {
  return checksum === undefined || checksum.includes('-') ? undefined : Buffer.from(checksum, 'base64').toString('hex');
}

type File = Awaited<ReturnType<typeof open>>;

async function readWhole(file: File, size: number, sum: { crc32: number }): Promise<Buffer> {
  const buffer = Buffer.alloc(size);
  await readFully(file, buffer, 0);
  sum.crc32 = crc32(buffer);
  return buffer;
}

/**
 * The file part by part, each when a slot is free. The first piece has one byte more than a part: the library then
 * never holds two whole parts to cut one. It has copied a piece before it takes the next; one more is read ahead.
 */
async function* readParts(
  file: File,
  size: number,
  partBytes: number,
  sum: { crc32: number },
  slots: Slots,
  held: { slots: number },
): AsyncGenerator<Buffer> {
  const reused = [Buffer.allocUnsafe(partBytes), Buffer.allocUnsafe(partBytes)];
  for (let position = 0, turn = 0; position < size; turn = 1 - turn) {
    await slots.acquire();
    held.slots++;
    const length = Math.min(position === 0 ? partBytes + 1 : partBytes, size - position);
    const piece = position === 0 ? Buffer.allocUnsafe(length) : reused[turn]!.subarray(0, length);
    await readFully(file, piece, position);
    sum.crc32 = crc32(piece, sum.crc32);
    position += length;
    yield piece;
  }
}

async function readFully(file: File, buffer: Buffer, position: number): Promise<void> {
  for (let done = 0; done < buffer.length; ) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0)
      throw new TransientError('A file became shorter while it was sent. Run the same command again.');
    done += bytesRead;
  }
}

/** Multipart uploads that are not finished, below a path: of builds that run, or that died. */
export async function* openUploads(s3: S3Bucket, prefix: string): AsyncGenerator<{ path: string; uploadId: string }> {
  const { ListMultipartUploadsCommand } = await import('@aws-sdk/client-s3');
  const root = s3.key('').length;
  let after: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (after) {
    const page: ListMultipartUploadsCommandOutput = await s3.client.send(
      new ListMultipartUploadsCommand({ Bucket: s3.location.bucket, Prefix: s3.key(prefix), ...after }),
    );
    for (const { Key = '', UploadId = '' } of page.Uploads ?? []) yield { path: Key.slice(root), uploadId: UploadId };
    after = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : undefined;
  }
}

/** Ends the multipart uploads that dead builds left open below a path. @returns how many there were */
export async function abortUploads(s3: S3Bucket, prefix: string): Promise<number> {
  const { AbortMultipartUploadCommand } = await import('@aws-sdk/client-s3');
  let count = 0;
  for await (const { path, uploadId: UploadId } of openUploads(s3, prefix)) {
    const command = new AbortMultipartUploadCommand({ Bucket: s3.location.bucket, Key: s3.key(path), UploadId });
    await s3.client.send(command).catch((error: unknown) => {
      // Ended by somebody else meanwhile.
      if (!isAbsent(error)) throw error;
    });
    count++;
  }
  return count;
}
