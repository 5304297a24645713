import { open } from 'node:fs/promises';
import { algorithmOf } from '../../base/bytes/checksum.ts';
import { checksumOfFile } from '../../base/bytes/file-checksum.ts';
import { ResourcePool } from '../../base/concurrency/resource-pool.ts';
import { writeAt } from '../../base/files/write-atomically.ts';
import type { S3Bucket } from '../client.ts';
import { fetchBlocks } from '../ranges/range.ts';
import { type Comparison, sameChecksum } from '../same-checksum.ts';
import { type AroundFile, downloadFileAround } from './download-around.ts';
import { type PieceRequest, type SentPiece, sendPiece } from './send-piece.ts';

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

interface ObjectRange {
  /** Path of the object below the location. */
  key: string;
  offset: number;
  length: number;
  /** A formatted checksum, whose algorithm is used; default: CRC-64. */
  checksum?: string | undefined;
}

/** Memory for parts of one size that are sent: of a thread. It is allocated when it is needed. */
const BUFFER_BYTES = 96 * 2 ** 20;

/** Time for the parts in flight to arrive when a transfer is stopped. */
const ARRIVAL_MS = 2_000;

/**
 * The work of a thread that transfers files; a short transfer does it without one. Memory: BUFFER_BYTES for uploads, two blocks for
 * each part that is fetched.
 */
export function transferTasks(s3: S3Bucket) {
  const stopped = new AbortController();
  const { signal } = stopped;
  /** Ends the parts in flight that are sent. */
  const cut = new AbortController();
  const pools = new Map<number, ResourcePool<Buffer>>();

  function buffersOf(partBytes: number): ResourcePool<Buffer> {
    const count = Math.max(2, Math.floor(BUFFER_BYTES / partBytes));
    const pool = pools.get(partBytes) ?? new ResourcePool(count, () => Buffer.allocUnsafeSlow(partBytes));
    pools.set(partBytes, pool);
    return pool;
  }

  return {
    /** Sends a piece of a file, see `sendPiece`. @param partBytes of the parts of its upload */
    async sendPiece({ partBytes, ...piece }: PieceRequest & { partBytes: number }): Promise<SentPiece | undefined> {
      stopped.signal.throwIfAborted();
      return sendPiece(s3, piece, buffersOf(partBytes), { stopped: stopped.signal, cut: cut.signal });
    },

    /** Compares a file with an object, see `sameChecksum`. */
    sameChecksum(comparison: Comparison): Promise<string | undefined> {
      return sameChecksum(comparison);
    },

    /** Reads a range of an object without storing it. @returns its checksum */
    async checksumObject({ key, offset, length, checksum }: ObjectRange): Promise<bigint> {
      signal.throwIfAborted();
      const options = { signal, algorithm: algorithmOf(checksum) };
      return fetchBlocks(s3, key, offset, length, async () => {}, options);
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

    /**
     * Fails all running and further tasks. Parts in flight may arrive: a part that arrives after its upload was aborted can open the
     * upload again.
     */
    stop(): void {
      stopped.abort();
      setTimeout(() => cut.abort(), ARRIVAL_MS).unref();
    },
  };
}

export type TransferTasks = ReturnType<typeof transferTasks>;
