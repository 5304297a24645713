import type { Utf8Column } from '../base/bytes/utf8-column.ts';

/** Collects texts into columns. */
export interface TextBuilder {
  /** Returns the byte count of the texts since the last `take`. */
  size(): number;
  /** Appends bytes[start .. end). */
  push(bytes: Uint8Array, start: number, end: number): void;
  /** Returns the texts collected since the last call. */
  take(): Utf8Column;
}

/** Creates a builder. @param maxRows most texts between two calls of `take` */
export function createTextBuilder(maxRows: number): TextBuilder {
  const offsets = new Int32Array(maxRows + 1);
  let bytes = new Uint8Array(maxRows * 16);
  let rows = 0;
  let size = 0;
  return {
    size: () => size,
    push(from, start, end) {
      const length = end - start;
      if (size + length > bytes.length) {
        const larger = new Uint8Array(Math.max(bytes.length * 2, size + length));
        larger.set(bytes.subarray(0, size));
        bytes = larger;
      }
      // For texts as short as ids, a loop is faster than set(subarray()).
      if (length < 64) for (let i = 0; i < length; i++) bytes[size + i] = from[start + i]!;
      else bytes.set(from.subarray(start, end), size);
      size += length;
      offsets[++rows] = size;
    },
    take() {
      const column = { offsets: offsets.slice(0, rows + 1), bytes: bytes.slice(0, size) };
      rows = 0;
      size = 0;
      return column;
    },
  };
}
