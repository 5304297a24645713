/** Size of the blocks by which reads are distinguished. */
const BLOCK_BYTES = 65_536;
const MAX_BLOCKS = 2 ** 40;

/** Counter that shows the main thread that this thread makes progress: see shard-thread.ts. */
let counter: Int32Array<SharedArrayBuffer> | undefined;
const touched = new Set<number>();

/** Sets the counter of progress. */
export function countProgress(into: Int32Array<SharedArrayBuffer>): void {
  counter = into;
}

/** Begins a request: blocks that earlier requests have read count as new. */
export function beginRequest(): void {
  touched.clear();
}

/**
 * Counts a read as progress if its first or last byte is in a block that this request has not read. The library reads a damaged structure
 * that points to itself repeatedly, which is no progress.
 */
export function noteRead(descriptor: number, position: number, byteLength: number): void {
  if (counter === undefined) return;
  const file = descriptor * MAX_BLOCKS;
  const first = file + Math.floor(position / BLOCK_BYTES);
  const last = file + Math.floor((position + byteLength) / BLOCK_BYTES);
  const before = touched.size;
  touched.add(first);
  touched.add(last);
  if (touched.size > before) Atomics.add(counter, 0, 1);
}
