import { stat } from 'node:fs/promises';
import { isMainThread } from 'node:worker_threads';
import { log } from '../app/progress.ts';
import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import { COMPONENT_BYTES } from '../vectors/vector-type.ts';
import type { Keep } from './columns/keep.ts';
import type { DatasetNames } from './layouts/find-layout.ts';
import type { ShardHeader } from './shard.ts';
import { missingShard, notAFile } from './shard-messages.ts';
import { shardThread } from './shard-thread.ts';
import type { RowRange, RowsRequest } from './shard-worker.ts';

/** Limit of the text of ids, and of each kept column, that is read at once: if they are long, fewer rows are read. */
const ID_BYTES = 64 * 2 ** 20;

/** Consecutive rows of a shard. */
export interface ShardRows {
  /** The requested row count; fewer, but at least one, if ids or kept columns are long. */
  rows: number;
  ids: Utf8Column;
  /** Cells of the kept columns, in their order. */
  kept: Utf8Column[];
  /** The vectors as stored (see `vectorType`), little-endian, in the buffer that the caller passed. */
  vectors: ArrayBuffer;
}

/** An open shard: HDF5 with `embedding` [N, D] and `id` [N]. Reads row ranges in a thread, and keeps no rows. */
export interface ShardReader extends ShardHeader {
  /** Size of the file. */
  fileBytes: number;
  /**
   * Reads rows [start, start + count).
   * @param into at least count * dimension * COMPONENT_BYTES[vectorType] bytes; is detached
   */
  readRows(start: number, count: number, into: ArrayBuffer): Promise<ShardRows>;
  /** Reads rows into shared memory, which stays usable here. @param into as for `readRows` */
  readShared(start: number, count: number, into: Uint8Array<SharedArrayBuffer>): Promise<Omit<ShardRows, 'vectors'>>;
  /**
   * Reads the vectors of ranges of rows, in one request.
   * @param ranges at least one
   * @param into as for `readRows`
   * @returns the buffer that the caller passed, with the vectors of the ranges end to end, as stored
   */
  readVectors(ranges: readonly RowRange[], into: ArrayBuffer): Promise<ArrayBuffer>;
  /** Reads the ids of rows [start, start + count). */
  readIds(start: number, count: number): Promise<Utf8Column>;
  close(): void;
}

let opened = 0;
/** What the user was told about files. */
const noted = new Set<string>();

/** Tells the user how a file is read that is no plain shard: once, and not from every thread. */
function logOnce(notes: readonly string[]): void {
  if (!isMainThread) return;
  for (const note of notes) {
    if (!noted.has(note)) log(note);
    noted.add(note);
  }
}

/**
 * Opens a shard, or another HDF5 file of vectors, and checks its shape, its types, and that all its rows exist.
 * @param named names of its datasets. Default: what the file has
 * @param keep the columns to read beside vectors and ids
 * @throws DataError if the file is missing, is not HDF5, is truncated, is not a shard, or rows were never written
 */
export async function openShard(path: string, named: DatasetNames = {}, keep: Keep = []): Promise<ShardReader> {
  const { size: fileBytes } = await statFile(path);
  const thread = shardThread();
  const shard = ++opened;
  const headerRead = { path, what: 'its header', maxChunkBytes: 0 };
  const { header, maxChunkBytes, notes } = await thread.call('open', { shard, path, named, keep }, headerRead);
  logOnce(notes);
  const read = async (start: number, count: number, maxIdBytes: number, vectors: RowsRequest['vectors']) => {
    const names = vectors ? ['"id"', ...header.columns.map(({ name }) => `"${name}"`), '"embedding"'] : ['"id"'];
    const what = `rows ${start} to ${start + count - 1} of ${names.join(' and ')}`;
    const request = { shard, start, count, maxIdBytes, vectors };
    const transfer = vectors instanceof ArrayBuffer ? [vectors] : [];
    const { notes, ...rows } = await thread.call('readRows', request, { path, what, maxChunkBytes }, transfer);
    logOnce(notes);
    return rows;
  };
  const requireCapacity = (rows: number, { byteLength }: ArrayBuffer | Uint8Array) => {
    const needed = rows * header.dimension * COMPONENT_BYTES[header.vectorType];
    if (byteLength < needed) throw new RangeError(`a buffer of ${byteLength} bytes for ${needed}`);
  };
  return {
    ...header,
    fileBytes,
    async readRows(start, count, into) {
      requireCapacity(count, into);
      const { vectors, ...columns } = await read(start, count, ID_BYTES, into);
      return { ...columns, vectors: vectors! };
    },
    async readShared(start, count, into) {
      requireCapacity(count, into);
      return read(start, count, ID_BYTES, into);
    },
    async readVectors(ranges, into) {
      const rows = ranges.reduce((sum, { count }) => sum + count, 0);
      requireCapacity(rows, into);
      const last = ranges.at(-1)!;
      const what = `${rows} of the rows ${ranges[0]!.start} to ${last.start + last.count - 1} of "embedding"`;
      return thread.call('readVectors', { shard, ranges, vectors: into }, { path, what, maxChunkBytes }, [into]);
    },
    readIds: async (start, count) => (await read(start, count, Number.POSITIVE_INFINITY, undefined)).ids,
    close() {
      if (thread.isUsable) thread.call('close', shard, { ...headerRead, what: 'its end' }).catch(() => {});
    },
  };
}

async function statFile(path: string) {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw missingShard(path);
    throw error;
  });
  if (!info.isFile()) throw notAFile(path);
  return info;
}
