import { CRC64 } from '../../base/bytes/checksum.ts';
import type { WrittenBytes } from '../../base/concurrency/written-bytes.ts';
import type { S3Bucket } from '../client.ts';
import { describeObject } from '../describe-object.ts';
import { sendFile } from './send.ts';
import type { Transfers } from './transfers.ts';

/** A file to upload. */
export interface UploadFile {
  /** Path below the location. */
  key: string;
  /** The file. */
  path: string;
  /** Checksum of the file, if it is known: an object that exists is then compared without reading the file. */
  checksum?: string;
  /** Of a file that is still being written. */
  written?: WrittenBytes;
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
interface UploadSettings {
  bytes: number;
  partBytes: number;
  /** Undefined where it is unknown whether there is an object of this key. */
  isThere: boolean | undefined;
  onProgress: (bytes: number) => void;
}

/** Uploads a file, unless the object exists with the same size and checksum. Errors: those of `sendFile`. */
export async function uploadFile(
  s3: S3Bucket,
  { key, path, checksum: known, written }: UploadFile,
  { bytes, partBytes, isThere, onProgress }: UploadSettings,
  transfers: Transfers,
): Promise<UploadedFile> {
  const there = isThere === false ? undefined : await describeObject(s3, key);
  const checksum =
    there?.bytes === bytes ? await transfers.run('sameChecksum', { path, there, known, partBytes }) : undefined;
  if (checksum !== undefined) {
    onProgress(bytes);
    return { key, bytes, checksum, sent: false };
  }
  const sum = await sendFile(s3, key, { path, bytes, written, partBytes, onProgress }, transfers);
  return { key, bytes, checksum: CRC64.format(sum), sent: true };
}
