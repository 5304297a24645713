import { UsageError } from '../../base/errors.ts';
import { formatByteSize } from '../../base/text/byte-size.ts';
import { LANES } from '../../base/wasm/simd.ts';
import { SEARCH_MESSAGES } from '../search-messages.ts';
import { ROW_NUMBERS } from './filters/kernels.ts';
import { nearestBytesPerQuery } from './nearest-heaps.ts';

/** Bytes of the runtime, its libraries and a table's metadata, whatever is searched. */
const RUNTIME_BYTES = 260 * 2 ** 20;
/** Bytes of a thread: of the JavaScript engine, and of ONNX Runtime's buffers for products. */
const THREAD_BYTES = 40 * 2 ** 20;
/** 32 bits address the memory that threads share. */
const ADDRESSED_BYTES = 0.95 * 2 ** 32;
const MOST_THREADS = 64;

/** Rows of a block, and queries of one product; they fit a processor's cache. */
export const BLOCK_ROWS = 1024;
export const TILE_QUERIES = 512;
/** With at most this many queries, a product of float32 is quicker than quantizing the rows of a block. */
export const FEW_QUERIES = 64;

/** Returns how many threads compare rows with queries. */
export function scoringThreads(cores: number, rows: number): number {
  return Math.max(1, Math.min(cores, MOST_THREADS, Math.ceil(rows / BLOCK_ROWS)));
}

/** Returns how many blocks are in memory: two a thread, one that is read and one that waits. */
export function blocksInMemory(threads: number): number {
  return 2 * threads + 2;
}

/** Returns the bytes of a block of rows. */
export function blockBytes(dimension: number): number {
  return BLOCK_ROWS * dimension * 4 + 64;
}

/** Returns the bytes of a thread's scratch memory. */
export function scratchBytes(dimension: number): number {
  const pairs = BLOCK_ROWS * TILE_QUERIES;
  return BLOCK_ROWS * (dimension + 60) + TILE_QUERIES * 12 + 64 + 8 * pairs + codeBytes(TILE_QUERIES, dimension) + 512;
}

/** Returns the bytes of the codes and terms of queries, with the padding of their arrays. */
export function codeBytes(queries: number, dimension: number): number {
  return (queries + LANES) * dimension + queries * (4 * ROW_NUMBERS + 8) + 8 * dimension + 512;
}

/** Returns the bytes of a query's vector and terms. */
export function vectorBytes(dimension: number): number {
  return 4 * dimension + 16;
}

/** Returns the bytes of a query that is scored: its vector, codes and terms. */
function scoringBytes(dimension: number): number {
  return vectorBytes(dimension) + dimension + 4 * ROW_NUMBERS + 24;
}

/**
 * Returns how many queries fit a memory budget; more of them are searched block by block.
 * @throws UsageError where the budget is too small for one query, naming the smallest that is enough
 */
export function queriesInMemory(memoryBytes: number, dimension: number, k: number, threads: number): number {
  const sharedBytes = blocksInMemory(threads) * blockBytes(dimension) + threads * scratchBytes(dimension);
  const fixedBytes = RUNTIME_BYTES + sharedBytes + threads * THREAD_BYTES;
  // The vector as it was read and as it is compared; its nearest rows, and their ids while they are ranked.
  const queryBytes = dimension * 4 + scoringBytes(dimension) + 2 * nearestBytesPerQuery(k);
  const addressed = Math.floor((ADDRESSED_BYTES - sharedBytes) / scoringBytes(dimension));
  const queries = Math.min(addressed, Math.floor((memoryBytes - fixedBytes) / queryBytes));
  if (queries >= 1) return queries;
  const least = `${Math.ceil((fixedBytes + queryBytes) / 1e6)} MB`;
  throw new UsageError(SEARCH_MESSAGES.memoryTooSmall(formatByteSize(memoryBytes), k, dimension, least));
}
