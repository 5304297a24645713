import { stat } from 'node:fs/promises';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import type { S3Bucket } from '../client.ts';
import { logMd5 } from '../service.ts';
import { withTransfers } from './transfers.ts';
import type { UploadedFile, UploadFile } from './upload-file.ts';

export interface UploadOptions {
  /** Called with the bytes uploaded since the last call, including those of existing objects. */
  onProgress?(bytes: number): void;
  /** Existing keys, if they were listed: others are uploaded without a check. */
  there?: { has(key: string): boolean };
  /** Stops the upload. Its reason is thrown. */
  signal?: AbortSignal | undefined;
  /** Worker threads at most. Default: by the bytes and the cores. */
  threads?: number | undefined;
}

const PART_BYTES = 16 * 2 ** 20;
const MAX_PARTS = 10_000;

/**
 * Uploads files in worker threads, several at once and several parts of each. S3 verifies the CRC-64 of each part and of the whole
 * (other services: see `sendFile`). Objects of the same size and checksum are not uploaded again. An interrupted upload can be run
 * again; `abortUploads` removes its incomplete multipart uploads. Memory: see `TransferTasks`.
 */
export async function uploadFiles(
  s3: S3Bucket,
  files: readonly UploadFile[],
  { onProgress = () => {}, there, signal, threads }: UploadOptions = {},
): Promise<UploadedFile[]> {
  const { service, endpoint } = s3;
  const sized = await Promise.all(files.map(async (file) => ({ file, bytes: (await stat(file.path)).size })));
  const total = sized.reduce((sum, { bytes }) => sum + bytes, 0);
  const largest = sized.reduce((max, { bytes }) => Math.max(max, bytes), 0);
  const partBytes = Math.max(PART_BYTES, Math.ceil(largest / MAX_PARTS / 2 ** 20) * 2 ** 20);
  // The largest first: none is left for the end, when the other threads have nothing to do.
  const queue = [...sized].sort((a, b) => b.bytes - a.bytes);
  let isMd5Logged = service.checksCrc64 === false;

  return withTransfers(s3, { bytes: total, signal, threads }, async (transfers) => {
    const uploaded = new Map<UploadFile, UploadedFile>();
    const upload = async (file: UploadFile) => {
      const request = { file, partBytes, isThere: there?.has(file.key), checksCrc64: service.checksCrc64 };
      const answer = await transfers.run('uploadFile', request, { onEvent: onProgress });
      // What a thread has found out about the service.
      service.checksCrc64 ??= answer.checksCrc64;
      if (answer.checksCrc64 === false && !isMd5Logged) logMd5(endpoint);
      isMd5Logged ||= answer.checksCrc64 === false;
      uploaded.set(file, answer.uploaded);
    };
    // The smallest file tells all threads what the service checks.
    const first = transfers.threads > 0 && service.checksCrc64 === undefined ? queue.splice(-1) : [];
    for (const { file } of first) await upload(file);
    await mapConcurrently(queue, transfers.concurrency, ({ file }) => upload(file));
    return files.map((file) => uploaded.get(file)!);
  });
}
