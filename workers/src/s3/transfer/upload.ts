import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3';
import { algorithmOf, CRC64 } from '../../base/bytes/checksum.ts';
import { checksumOfFile } from '../../base/bytes/file-checksum.ts';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { ResourcePool } from '../../base/concurrency/resource-pool.ts';
import type { S3Bucket } from '../client.ts';
import { describeObject, type RemoteObject } from '../describe-object.ts';
import { isAbsent } from '../s3-errors.ts';
import { sendFile } from './send.ts';

/** A file to upload. */
export interface UploadFile {
  /** Path below the location. */
  key: string;
  /** The file. */
  path: string;
  /** Checksum of the file, if it is known: an object that exists is then compared without reading the file. */
  checksum?: string;
}

export interface UploadedFile {
  key: string;
  bytes: number;
  /** Checksum of the content, verified by S3. */
  checksum: string;
  /** False where an object with the same content existed. */
  sent: boolean;
}

export interface UploadOptions {
  /** Called with the bytes uploaded since the last call, including those of existing objects. */
  onProgress?(bytes: number): void;
  /** Existing keys, if they were listed: others are uploaded without a check. */
  there?: { has(key: string): boolean };
}

const PART_BYTES = 16 * 2 ** 20;
const MAX_PARTS = 10_000;
/** Memory for parts in flight. */
const BUFFER_BYTES = 192 * 2 ** 20;
const FILES_AT_ONCE = 16;

/**
 * Uploads files, several at once and several parts of each. Memory: little more than BUFFER_BYTES. S3 verifies the CRC-64 of each part
 * and of the whole (other services: see `sendFile`). Objects of the same size and checksum are not uploaded again. An interrupted
 * upload can be run again; `abortUploads` removes its incomplete multipart uploads.
 */
export async function uploadFiles(
  s3: S3Bucket,
  files: readonly UploadFile[],
  { onProgress, there: listed }: UploadOptions = {},
): Promise<UploadedFile[]> {
  const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size));
  const largest = sizes.reduce((max, size) => Math.max(max, size), 0);
  const partBytes = Math.max(PART_BYTES, Math.ceil(largest / MAX_PARTS / 2 ** 20) * 2 ** 20);
  const buffers = new ResourcePool(Math.max(2, Math.floor(BUFFER_BYTES / partBytes)), () =>
    Buffer.allocUnsafeSlow(Math.min(partBytes, largest)),
  );
  return mapConcurrently(files, FILES_AT_ONCE, async ({ key, path, checksum: known }, index, signal) => {
    const bytes = sizes[index]!;
    const there = listed?.has(key) === false ? undefined : await describeObject(s3, key);
    const checksum = there?.bytes === bytes ? await sameChecksum(path, there, known, partBytes) : undefined;
    if (checksum !== undefined) {
      onProgress?.(bytes);
      return { key, bytes, checksum, sent: false };
    }
    const file = await open(path);
    try {
      const sum = await sendFile(s3, key, { file, path, bytes, partBytes, buffers, onProgress }, signal);
      return { key, bytes, checksum: CRC64.format(sum), sent: true };
    } finally {
      await file.close();
    }
  });
}

/** @returns the checksum of the file if the object, which has its size, has the same content; otherwise undefined */
async function sameChecksum(path: string, there: RemoteObject, known: string | undefined, partBytes: number) {
  if (there.checksum === undefined) {
    const { bytes = 0, etag } = there;
    // The ETag of a multipart object is the MD5 of the MD5s of its parts: useless for other part sizes and encrypted objects.
    if (!new RegExp(bytes > partBytes ? `-${Math.ceil(bytes / partBytes)}$` : '^[0-9a-f]{32}$').test(etag))
      return undefined;
    const found = await etagOf(path, bytes, partBytes);
    return found.etag === etag ? found.checksum : undefined;
  }
  const algorithm = algorithmOf(there.checksum);
  const checksum =
    known !== undefined && algorithm.isAlgorithmOf(known) ? known : await checksumOfFile(path, algorithm);
  return checksum === there.checksum ? checksum : undefined;
}

/** Computes the ETag of a file that is uploaded in parts of this size, and its checksum. */
async function etagOf(path: string, bytes: number, partBytes: number): Promise<{ etag: string; checksum: string }> {
  const parts: Buffer[] = [];
  let sum = 0n;
  for (let start = 0; start < bytes || start === 0; start += partBytes) {
    const md5 = createHash('md5');
    const end = Math.min(bytes, start + partBytes) - 1;
    if (end >= start)
      for await (const chunk of createReadStream(path, { start, end, highWaterMark: 2 ** 20 })) {
        md5.update(chunk);
        sum = CRC64.of(chunk, sum);
      }
    parts.push(md5.digest());
  }
  const whole = createHash('md5').update(Buffer.concat(parts)).digest('hex');
  const etag = bytes > partBytes ? `${whole}-${parts.length}` : parts[0]!.toString('hex');
  return { etag, checksum: CRC64.format(sum) };
}

/** Lists incomplete multipart uploads below a path, of running or killed builds. */
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

/** Aborts incomplete multipart uploads below a path, which killed builds left. @returns their count */
export async function abortUploads(s3: S3Bucket, prefix: string): Promise<number> {
  const { AbortMultipartUploadCommand } = await import('@aws-sdk/client-s3');
  let count = 0;
  for await (const { path, uploadId: UploadId } of openUploads(s3, prefix)) {
    const command = new AbortMultipartUploadCommand({ Bucket: s3.location.bucket, Key: s3.key(path), UploadId });
    await s3.client.send(command).catch((error: unknown) => {
      // Another process has ended it.
      if (!isAbsent(error)) throw error;
    });
    count++;
  }
  return count;
}
