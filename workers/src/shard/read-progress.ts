/** Reads are told apart by the blocks of the file that they touch. */
const BLOCK_BYTES = 65_536;
const MOST_BLOCKS = 2 ** 40;

/** Where the main thread sees that the thread that reads goes on: see shard-thread.ts. */
let counter: Int32Array<SharedArrayBuffer> | undefined;
const touched = new Set<number>();

/** Has progress counted here. */
export function countProgress(into: Int32Array<SharedArrayBuffer>): void {
  counter = into;
}

/** A request begins: all that it reads is new. */
export function beginRequest(): void {
  touched.clear();
}

/**
 * Counts a read as progress where its first or last byte lies in a part of the file that this request has not read. A damaged
 * structure that leads back to itself is read again and again.
 */
export function noteRead(descriptor: number, position: number, byteLength: number): void {
  if (counter === undefined) return;
  const file = descriptor * MOST_BLOCKS;
  const first = file + Math.floor(position / BLOCK_BYTES);
  const last = file + Math.floor((position + byteLength) / BLOCK_BYTES);
  const before = touched.size;
  touched.add(first);
  touched.add(last);
  if (touched.size > before) Atomics.add(counter, 0, 1);
}
