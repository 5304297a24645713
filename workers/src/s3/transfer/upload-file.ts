import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { algorithmOf, CRC64 } from '../../base/bytes/checksum.ts';
import { checksumOfFile } from '../../base/bytes/file-checksum.ts';
import type { ResourcePool } from '../../base/concurrency/resource-pool.ts';
import { WrittenBytes } from '../../base/threads/written-bytes.ts';
import type { S3Bucket } from '../client.ts';
import { describeObject, type RemoteObject } from '../describe-object.ts';
import { sendFile } from './send.ts';

/** A file to upload. */
export interface UploadFile {
  /** Path below the location. */
  key: string;
  /** The file. */
  path: string;
  /** Checksum of the file, if it is known: an object that exists is then compared without reading the file. */
  checksum?: string;
  /** Of a file that is still being written: its size in the end, and the memory of its `WrittenBytes`. */
  unfinished?: { bytes: number; written: SharedArrayBuffer };
}

export interface UploadedFile {
  key: string;
  bytes: number;
  /** Checksum of the content, verified by S3. */
  checksum: string;
  /** False where an object with the same content existed. */
  sent: boolean;
}

/** How a file is uploaded. */
export interface UploadSettings {
  partBytes: number;
  /** For parts in flight, of `partBytes` each. */
  buffers: ResourcePool<Buffer>;
  /** Undefined where it is unknown whether there is an object of this key. */
  isThere: boolean | undefined;
  onProgress: (bytes: number) => void;
  signal: AbortSignal;
}

/** Uploads a file, unless the object exists with the same size and checksum. Errors: those of `sendFile`. */
export async function uploadFile(
  s3: S3Bucket,
  { key, path, checksum: known, unfinished }: UploadFile,
  { partBytes, buffers, isThere, onProgress, signal }: UploadSettings,
): Promise<UploadedFile> {
  const { size: bytes } = unfinished ? { size: unfinished.bytes } : await stat(path);
  const there = isThere === false ? undefined : await describeObject(s3, key);
  const checksum = there?.bytes === bytes ? await sameChecksum(path, there, known, partBytes) : undefined;
  if (checksum !== undefined) {
    onProgress(bytes);
    return { key, bytes, checksum, sent: false };
  }
  await using file = await open(path);
  const written = unfinished && new WrittenBytes(unfinished.written);
  const sum = await sendFile(s3, key, { file, path, bytes, written, partBytes, buffers, onProgress }, signal);
  return { key, bytes, checksum: CRC64.format(sum), sent: true };
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
