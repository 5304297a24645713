import { readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import { DataError, systemErrorCode, UserError } from '../base/errors.ts';
import type { H5Module } from './hdf5/h5wasm.ts';
import { findBadHeap } from './hdf5/heap-check.ts';
import { hdf5 } from './hdf5/library.ts';
import { beginRequest, countProgress, noteRead } from './read-progress.ts';
import type { ShardHeader } from './shard.ts';
import { openShardFile, type ShardFile } from './shard-file.ts';

/** Rows [start, start + count) of a shard. */
export interface RowRange {
  start: number;
  count: number;
}

/** What the thread is asked. Its answers come in the same order. */
export type ShardRequest =
  | { ask: 'open'; path: string; shard: number }
  | { ask: 'read'; shard: number; start: number; count: number; mostIdBytes: number; vectors: ArrayBuffer | undefined }
  /** Vectors without ids, of ranges that are put end to end. */
  | { ask: 'vectors'; shard: number; ranges: readonly RowRange[]; vectors: ArrayBuffer }
  | { ask: 'close'; shard: number };

export type ShardAnswer =
  | { header: ShardHeader; mostChunkBytes: number }
  /** `rows` may be fewer than were asked for: those whose ids fit. */
  | { rows: number; ids: Utf8Column; vectors: ArrayBuffer | undefined }
  | { vectors: ArrayBuffer }
  | { closed: true }
  | { failure: Failure };

/** An error, as threads hand it to each other. */
export interface Failure {
  message: string;
  /** Of an error for the user. */
  exitCode: number | undefined;
  /** Of an error of the system. */
  code: string | undefined;
  /** Whether the library cannot be used any more. */
  isFatal: boolean;
}

/** What the thread is started with: a number that grows while it goes on. */
export interface ShardThreadData {
  progress: Int32Array<SharedArrayBuffer>;
}

/** Of the library, while it reads anything but vectors: a damaged length can ask for all there is. */
const MEMORY_BYTES = 192 * 2 ** 20;

if (!parentPort) throw new Error('shard-worker.ts is run in a thread by shard-thread.ts');
const port = parentPort;
countProgress((workerData as ShardThreadData).progress);

const shards = new Map<number, ShardFile>();
/** What went wrong as the library read the file: it tells all as one failure. */
let readError: Error | undefined;
let mostMemoryBytes = MEMORY_BYTES;
/** The shard that is being read. */
let current: string | undefined;
/** WASI's number. */
const EIO = 29;

// The library's own words for what is told in ours.
console.error = () => {};
limitMemory();
const module = await hdf5();
watchReads(module);
port.on('message', (request: ShardRequest) => {
  beginRequest();
  readError = undefined;
  mostMemoryBytes = MEMORY_BYTES;
  current = request.ask === 'open' ? request.path : shards.get(request.shard)?.header.path;
  try {
    const answer = run(request);
    const vectors = 'vectors' in answer ? answer.vectors : undefined;
    const ids = 'rows' in answer ? [answer.ids.offsets.buffer, answer.ids.bytes.buffer] : [];
    port.postMessage(answer, [vectors, ...ids].filter((each) => each !== undefined) as ArrayBuffer[]);
  } catch (error) {
    port.postMessage({ failure: describeFailure(error) } satisfies ShardAnswer);
  }
});

function run(request: ShardRequest): ShardAnswer {
  if (request.ask === 'open') {
    const shard = openShardFile(module, request.path);
    shards.set(request.shard, shard);
    return { header: shard.header, mostChunkBytes: shard.mostChunkBytes };
  }
  const shard = shards.get(request.shard);
  if (request.ask === 'close') {
    shards.delete(request.shard);
    shard?.close();
    return { closed: true };
  }
  if (request.ask === 'vectors') {
    readRanges(shard!, request.ranges, new Uint8Array(request.vectors));
    return { vectors: request.vectors };
  }
  const { start, count, mostIdBytes, vectors } = request;
  mostMemoryBytes = MEMORY_BYTES + shard!.idChunkBytes * 3;
  const ids = shard!.readIds(start, count, mostIdBytes);
  const rows = ids.offsets.length - 1;
  // A chunk of vectors may be of any size up to the library's own limit.
  mostMemoryBytes = Number.POSITIVE_INFINITY;
  if (vectors) shard!.readVectors(start, rows, new Uint8Array(vectors));
  return { rows, ids, vectors };
}

function readRanges(shard: ShardFile, ranges: readonly RowRange[], into: Uint8Array): void {
  mostMemoryBytes = Number.POSITIVE_INFINITY;
  let at = 0;
  for (const { start, count } of ranges) {
    // Ranges may lie in one chunk, which is then unpacked for each of them without another part of the file being read.
    beginRequest();
    shard.readVectors(start, count, into.subarray(at));
    at += count * shard.rowBytes;
  }
}

function describeFailure(error: unknown): Failure {
  const isFatal = error instanceof WebAssembly.RuntimeError;
  const told =
    readError ??
    (error instanceof UserError || isOfSystem(error)
      ? (error as Error)
      : new DataError(`${current}: HDF5 cannot read this file; it is damaged.`));
  const exitCode = told instanceof UserError ? told.exitCode : undefined;
  return { message: told.message, exitCode, code: systemErrorCode(told), isFatal };
}

/** Such as EACCES; what Node.js itself refuses has a code too, but comes from damage here. */
function isOfSystem(error: unknown): boolean {
  return /^E(?!RR_)/.test(systemErrorCode(error) ?? '');
}

/** Refuses the library memory beyond `mostMemoryBytes`: it then reports that it cannot allocate. */
function limitMemory(): void {
  const grow = WebAssembly.Memory.prototype.grow;
  WebAssembly.Memory.prototype.grow = function (this: WebAssembly.Memory, pages: number) {
    if (this.buffer.byteLength + pages * 65_536 > mostMemoryBytes) throw new RangeError('limit of memory');
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
    readError ??= new DataError(`${current}: ${problem}; the file is damaged.`);
    throw new FS.ErrnoError(EIO);
  };
}
