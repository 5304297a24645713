import { open } from 'node:fs/promises';
import { algorithmOf } from '../../base/bytes/checksum.ts';
import { checksumOfFile } from '../../base/bytes/file-checksum.ts';
import { ResourcePool } from '../../base/concurrency/resource-pool.ts';
import { writeAt } from '../../base/files/write-atomically.ts';
import type { ThreadContext } from '../../base/threads/thread-messages.ts';
import type { S3Bucket } from '../client.ts';
import { fetchBlocks } from '../range.ts';
import { type AroundFile, downloadFileAround } from './download-around.ts';
import { type UploadedFile, type UploadFile, uploadFile } from './upload-file.ts';

interface UploadRequest {
  file: UploadFile;
  partBytes: number;
  isThere: boolean | undefined;
  /** What is known of the service (S3Service). */
  checksCrc64: boolean | undefined;
}

interface UploadAnswer {
  uploaded: UploadedFile;
  /** What is known since. */
  checksCrc64: boolean | undefined;
}

/** A range of a file on this machine. */
interface FilePart {
  path: string;
  offset: number;
  length: number;
  /** Checksum of the whole file, whose algorithm is used. */
  checksum: string;
}

interface FetchRequest extends FilePart {
  /** Path of the object below the location. */
  key: string;
}

/** Memory for parts of one size that are sent: of a thread. It is allocated when it is needed. */
const BUFFER_BYTES = 96 * 2 ** 20;

/**
 * The work of a thread that transfers files; a short transfer does it without one. Memory: BUFFER_BYTES for uploads, two blocks for
 * each part that is fetched.
 */
export function transferTasks(s3: S3Bucket) {
  const stopped = new AbortController();
  const { signal } = stopped;
  const pools = new Map<number, ResourcePool<Buffer>>();

  function buffersOf(partBytes: number): ResourcePool<Buffer> {
    const count = Math.max(2, Math.floor(BUFFER_BYTES / partBytes));
    const pool = pools.get(partBytes) ?? new ResourcePool(count, () => Buffer.allocUnsafeSlow(partBytes));
    pools.set(partBytes, pool);
    return pool;
  }

  return {
    /** Uploads a file. Emits the bytes of each part that was sent. */
    async uploadFile(
      { file, partBytes, isThere, checksCrc64 }: UploadRequest,
      { emit }: ThreadContext<number>,
    ): Promise<UploadAnswer> {
      signal.throwIfAborted();
      s3.service.checksCrc64 ??= checksCrc64;
      const onProgress = (bytes: number) => void emit(bytes);
      const settings = { partBytes, buffers: buffersOf(partBytes), isThere, onProgress, signal };
      const uploaded = await uploadFile(s3, file, settings);
      return { uploaded, checksCrc64: s3.service.checksCrc64 };
    },

    /** Fetches a range of an object to the same range of an existing file. @returns checksum of the range */
    async fetchPart({ key, path, offset, length, checksum }: FetchRequest): Promise<bigint> {
      signal.throwIfAborted();
      await using file = await open(path, 'r+');
      const write = (block: Buffer, position: number) => writeAt(file, block, position);
      // Awaited here: the file is closed after it.
      return await fetchBlocks(s3, key, offset, length, write, { signal, algorithm: algorithmOf(checksum) });
    },

    /** Reads a range of a file. @returns its formatted checksum */
    async checksumPart({ path, offset, length, checksum }: FilePart): Promise<string> {
      signal.throwIfAborted();
      return checksumOfFile(path, algorithmOf(checksum), { start: offset, end: offset + length });
    },

    async downloadAround(file: AroundFile): Promise<void> {
      signal.throwIfAborted();
      await downloadFileAround(s3, file, signal);
    },

    /** Fails all running and further tasks. */
    stop(): void {
      stopped.abort();
    },
  };
}

export type TransferTasks = ReturnType<typeof transferTasks>;
