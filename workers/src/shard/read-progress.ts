/** Two reads are distinct if they touch distinct blocks of the file. */
const BLOCK_BYTES = 65_536;
const MAX_BLOCKS = 2 ** 40;

/** Shows the main thread that this thread makes progress: see shard-thread.ts. */
let counter: Int32Array<SharedArrayBuffer> | undefined;
const touched = new Set<number>();

/** Sets the counter of progress. */
export function countProgress(into: Int32Array<SharedArrayBuffer>): void {
  counter = into;
}

/** Begins a request, for which every read counts again. */
export function beginRequest(): void {
  touched.clear();
}

/**
 * Counts a read as progress if its first or last byte is in a block that this request has not read: a damaged structure that points
 * to itself is read again and again.
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
