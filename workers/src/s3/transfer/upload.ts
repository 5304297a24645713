import { stat } from 'node:fs/promises';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import type { S3Bucket } from '../client.ts';
import { logMd5 } from '../service.ts';
import { type Transfers, withTransfers } from './transfers.ts';
import { type UploadedFile, type UploadFile, uploadFile } from './upload-file.ts';

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
/** Files of up to this size are sent whole: a service has to assemble parts. */
const WHOLE_BYTES = 2 * PART_BYTES;
const MAX_PARTS = 10_000;

/**
 * Uploads files in worker threads, several at once and several parts of each. S3 verifies the CRC-64 of each part and of the whole
 * (other services: see `sendFile`). Objects of the same size and checksum are not uploaded again. An interrupted upload can be run
 * again; `abortUploads` removes its incomplete multipart uploads. Memory: see `TransferTasks`.
 */
export async function uploadFiles(
  s3: S3Bucket,
  files: readonly UploadFile[],
  { onProgress, there, signal, threads }: UploadOptions = {},
): Promise<UploadedFile[]> {
  const sized = await Promise.all(files.map(async (file) => ({ file, bytes: (await stat(file.path)).size })));
  const total = sized.reduce((sum, { bytes }) => sum + bytes, 0);
  // The largest first: none is left for the end, when the other threads have nothing to do.
  const queue = [...sized].sort((a, b) => b.bytes - a.bytes);

  return withTransfers(s3, { bytes: total, signal, threads }, async (transfers) => {
    const uploader = new Uploader(s3, transfers, onProgress);
    const uploaded = new Map<UploadFile, UploadedFile>();
    const upload = async ({ file, bytes }: (typeof queue)[number]) => {
      uploaded.set(file, await uploader.upload(file, { bytes, isThere: there?.has(file.key) }));
    };
    // The smallest file tells all threads soonest what the service checks.
    if (transfers.threads > 0 && s3.service.checksCrc64 === undefined)
      for (const smallest of queue.splice(-1)) await upload(smallest);
    await mapConcurrently(queue, transfers.concurrency, upload);
    return files.map((file) => uploaded.get(file)!);
  });
}

/** Uploads files, each as soon as it is named. */
export class Uploader {
  readonly #s3: S3Bucket;
  readonly #transfers: Transfers;
  readonly #onProgress: (bytes: number) => void;
  /** Of the first file, which tells what the service checks: many would be sent twice. */
  #first: Promise<UploadedFile> | undefined;
  #isMd5Logged: boolean;

  /** @param onProgress called with the bytes uploaded since the last call, including those of existing objects */
  constructor(s3: S3Bucket, transfers: Transfers, onProgress: (bytes: number) => void = () => {}) {
    this.#s3 = s3;
    this.#transfers = transfers;
    this.#onProgress = onProgress;
    this.#isMd5Logged = s3.service.checksCrc64 === false;
  }

  /**
   * Uploads a file.
   * @param bytes of the file
   * @param isThere whether an object of this key exists; undefined where that is unknown
   */
  async upload(
    file: UploadFile,
    { bytes, isThere }: { bytes: number; isThere: boolean | undefined },
  ): Promise<UploadedFile> {
    const send = () => this.#send(file, bytes, isThere);
    if (this.#transfers.threads === 0 || this.#s3.service.checksCrc64 !== undefined) return send();
    if (this.#first) {
      await this.#first;
      return send();
    }
    this.#first = send();
    return this.#first;
  }

  async #send(file: UploadFile, bytes: number, isThere: boolean | undefined): Promise<UploadedFile> {
    const settings = { bytes, partBytes: partBytesOf(bytes), isThere, onProgress: this.#onProgress };
    try {
      return await uploadFile(this.#s3, file, settings, this.#transfers);
    } catch (error) {
      this.#transfers.stop(error);
      throw error;
    } finally {
      this.#logMd5();
    }
  }

  #logMd5(): void {
    if (this.#isMd5Logged || this.#s3.service.checksCrc64 !== false) return;
    this.#isMd5Logged = true;
    logMd5(this.#s3.endpoint);
  }
}

/** Returns the size of the parts in which a file is sent, one of few, so that buffers are used again. */
function partBytesOf(bytes: number): number {
  if (bytes > PART_BYTES && bytes <= WHOLE_BYTES) return WHOLE_BYTES;
  return Math.max(PART_BYTES, Math.ceil(bytes / MAX_PARTS / 2 ** 20) * 2 ** 20);
}
