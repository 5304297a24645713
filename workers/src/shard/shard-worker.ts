import { readSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { columnCopy, columnLength, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { DataError, systemErrorCode, UserError } from '../base/errors.ts';
import { failThread, serveRequests } from '../base/threads/serve-requests.ts';
import { WithTransfer } from '../base/threads/thread-messages.ts';
import type { Keep } from './columns/keep.ts';
import type { H5Module } from './hdf5/h5wasm.ts';
import { findBadHeap } from './hdf5/heap-check.ts';
import { hdf5 } from './hdf5/library.ts';
import type { DatasetNames } from './layouts/find-layout.ts';
import { beginRequest, countProgress, noteRead } from './read-progress.ts';
import { openShardFile, type ShardFile } from './shard-file.ts';
import { libraryFailed } from './shard-messages.ts';

/** Rows [start, start + count) of a shard. */
export interface RowRange {
  start: number;
  count: number;
}

export interface RowsRequest extends RowRange {
  shard: number;
  maxIdBytes: number;
  /** Receives the vectors; undefined: ids alone are read. Memory that is not shared is transferred back with the answer. */
  vectors: ArrayBuffer | Uint8Array<SharedArrayBuffer> | undefined;
}

/** The vectors of row ranges, end to end. */
export interface VectorsRequest {
  shard: number;
  ranges: readonly RowRange[];
  vectors: ArrayBuffer;
}

export interface ShardThreadData {
  /** Incremented while the thread makes progress: see shard-thread.ts. */
  progress: Int32Array<SharedArrayBuffer>;
}

/** The library's memory limit while it reads anything but vectors: a damaged length can request any amount. */
const MEMORY_BYTES = 192 * 2 ** 20;
/** Error number in WASI. */
const EIO = 29;

countProgress((workerData as ShardThreadData).progress);

const shards = new Map<number, ShardFile>();
/** The error of a read that failed inside the library, which does not distinguish failures. */
let readError: Error | undefined;
let memoryLimitBytes = MEMORY_BYTES;
let currentPath: string | undefined;

// The library would also print errors that this thread reports.
console.error = () => {};
limitMemory();
const module = await hdf5();
watchReads(module);

const methods = {
  open: ({ shard, path, named, keep }: { shard: number; path: string; named: DatasetNames; keep: Keep }) =>
    guard(path, () => {
      const file = openShardFile(module, path, named, keep);
      shards.set(shard, file);
      const { header, maxChunkBytes, notes } = file;
      return { header, maxChunkBytes, notes: notes.splice(0) };
    }),

  /** Returns the rows whose ids, and each of their kept columns, fit into `maxIdBytes`: at least one. */
  readRows: ({ shard, start, count, maxIdBytes, vectors }: RowsRequest) =>
    guardShard(shard, (file) => {
      memoryLimitBytes = MEMORY_BYTES + file.idChunkBytes * 3;
      const [ids, ...kept] = toSameRows(readColumns(file, start, count, maxIdBytes, vectors !== undefined));
      const rows = columnLength(ids!);
      // A chunk of vectors may have any size up to the library's own limit.
      memoryLimitBytes = Number.POSITIVE_INFINITY;
      const own = vectors instanceof ArrayBuffer ? vectors : undefined;
      if (vectors) file.readVectors(start, rows, vectors instanceof ArrayBuffer ? new Uint8Array(vectors) : vectors);
      const columns = [ids!, ...kept].flatMap(({ offsets, bytes }) => [offsets.buffer, bytes.buffer]);
      const buffers = [own, ...columns].filter((buffer) => buffer !== undefined);
      const answer = { rows, ids: ids!, kept, vectors: own, notes: file.notes.splice(0) };
      return new WithTransfer(answer, buffers as ArrayBuffer[]);
    }),

  readVectors: ({ shard, ranges, vectors }: VectorsRequest) =>
    guardShard(shard, (file) => {
      memoryLimitBytes = Number.POSITIVE_INFINITY;
      const target = new Uint8Array(vectors);
      let at = 0;
      for (const { start, count } of ranges) {
        // Ranges may lie in one chunk, which the library then unpacks for each range without reading another part of the file.
        beginRequest();
        file.readVectors(start, count, target.subarray(at));
        at += count * file.rowBytes;
      }
      return new WithTransfer(vectors, [vectors]);
    }),

  close: (shard: number) =>
    guardShard(shard, (file) => {
      shards.delete(shard);
      file.close();
    }),
};

export type ShardMethods = typeof methods;

serveRequests(methods);

/** Reads ids, and kept columns where vectors are read too. */
function readColumns(file: ShardFile, start: number, count: number, maxBytes: number, withKept: boolean): Utf8Column[] {
  const ids = file.readIds(start, count, maxBytes);
  return withKept ? [ids, ...file.readKept(start, columnLength(ids), maxBytes)] : [ids];
}

/** Cuts columns to the rows that all have. Their buffers are their own, because they are transferred. */
function toSameRows(columns: readonly Utf8Column[]): Utf8Column[] {
  const rows = Math.min(...columns.map(columnLength));
  if (columns.every((column) => columnLength(column) === rows)) return [...columns];
  return columns.map((column) => columnCopy(column, 0, rows));
}

function guardShard<T>(shard: number, read: (file: ShardFile) => T): T | Promise<never> {
  const file = shards.get(shard);
  if (!file) throw new Error(`shard ${shard} is not open`);
  return guard(file.header.path, () => read(file));
}

/** Reads from one file; errors of the library become errors about the file. A crash of the library stops the thread. */
function guard<T>(path: string, read: () => T): T | Promise<never> {
  beginRequest();
  readError = undefined;
  memoryLimitBytes = MEMORY_BYTES;
  currentPath = path;
  try {
    return read();
  } catch (error) {
    const cause = readError ?? (isReported(error) ? error : undefined);
    const reported = cause ?? libraryFailed(path);
    // System errors name the file as the library opened it.
    if (isSystemError(reported)) Object.assign(reported, { path });
    if (error instanceof WebAssembly.RuntimeError) return failThread(reported);
    throw reported;
  }
}

function isReported(error: unknown): error is Error {
  return error instanceof UserError || isSystemError(error);
}

/** Returns whether an error comes from the system, such as EACCES. Errors of Node.js itself have codes too, but are caused by damage here. */
function isSystemError(error: unknown): error is Error {
  return /^E(?!RR_)/.test(systemErrorCode(error) ?? '');
}

/** Limits the library's memory to `memoryLimitBytes`; beyond, it reports that it cannot allocate. */
function limitMemory(): void {
  const grow = WebAssembly.Memory.prototype.grow;
  WebAssembly.Memory.prototype.grow = function (this: WebAssembly.Memory, pages: number) {
    if (this.buffer.byteLength + pages * 65_536 > memoryLimitBytes) throw new RangeError('memory limit');
    return grow.call(this, pages);
  };
}

function watchReads({ FS }: H5Module): void {
  const read = FS.read;
  FS.read = (stream, into, offset, length, position = stream.position) => {
    noteRead(stream.nfd, position, length);
    let byteLength: number;
    try {
      byteLength = read(stream, into, offset, length, position);
    } catch (error) {
      try {
        readSync(stream.nfd, new Uint8Array(1), 0, 1, position);
      } catch (own) {
        readError = own as Error;
      }
      throw error;
    }
    const problem = findBadHeap(
      stream.nfd,
      position,
      new Uint8Array(into.buffer, into.byteOffset + offset, byteLength),
    );
    if (problem === undefined) return byteLength;
    readError ??= new DataError(`${currentPath}: ${problem}; the file is damaged.`);
    throw new FS.ErrnoError(EIO);
  };
}
