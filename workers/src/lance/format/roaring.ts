/** A container holds the values that share their upper 16 bits: a list of at most this many, or a bitmap. */
const LIST_LIMIT = 4096;
const CONTAINER_VALUES = 65536;
const BITMAP_BYTES = CONTAINER_VALUES / 8;
const NO_RUNS = 12346;

/**
 * Encodes numbers as a 32-bit Roaring bitmap in its portable form (github.com/RoaringBitmap/RoaringFormatSpec).
 * @param values ascending, each once
 */
export function encodeBitmap(values: Uint32Array): Uint8Array {
  const starts: number[] = [];
  for (const [i, value] of values.entries()) if (i === 0 || value >>> 16 !== values[i - 1]! >>> 16) starts.push(i);
  const containers = starts.map((start, i) => values.subarray(start, starts[i + 1]));
  const dataBytes = containers.map(({ length }) => (length <= LIST_LIMIT ? 2 * length : BITMAP_BYTES));
  const headerBytes = 8 + 8 * containers.length;
  const bytes = new Uint8Array(headerBytes + dataBytes.reduce((sum, size) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, NO_RUNS, true);
  view.setUint32(4, containers.length, true);
  let at = headerBytes;
  for (const [i, container] of containers.entries()) {
    const { length } = container;
    view.setUint16(8 + 4 * i, container[0]! >>> 16, true);
    view.setUint16(10 + 4 * i, length - 1, true);
    view.setUint32(8 + 4 * containers.length + 4 * i, at, true);
    if (length <= LIST_LIMIT) for (let n = 0; n < length; n++) view.setUint16(at + 2 * n, container[n]! & 0xffff, true);
    else for (const value of container) bytes[at + ((value & 0xffff) >> 3)]! |= 1 << (value & 7);
    at += dataBytes[i]!;
  }
  return bytes;
}

/** Encodes the numbers 0 to count - 1 as `encodeBitmap` does. */
export function encodeRange(count: number): Uint8Array {
  return encodeBitmap(Uint32Array.from({ length: count }, (_, i) => i));
}

/** Decodes a bitmap of `encodeBitmap`. @returns values, ascending @throws RangeError for other bytes, also for bitmaps with runs */
export function decodeBitmap(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== NO_RUNS) throw new RangeError('not a Roaring bitmap without runs');
  const count = view.getUint32(4, true);
  const sizes = Array.from({ length: count }, (_, i) => view.getUint16(10 + 4 * i, true) + 1);
  const values = new Uint32Array(sizes.reduce((sum, size) => sum + size, 0));
  let at = 8 + 8 * count;
  let next = 0;
  for (const [i, size] of sizes.entries()) {
    const upper = view.getUint16(8 + 4 * i, true) * CONTAINER_VALUES;
    if (size <= LIST_LIMIT) {
      for (let n = 0; n < size; n++) values[next++] = upper + view.getUint16(at + 2 * n, true);
      at += 2 * size;
      continue;
    }
    for (let lower = 0; lower < CONTAINER_VALUES; lower++)
      if ((view.getUint8(at + (lower >> 3)) >> (lower & 7)) & 1) values[next++] = upper + lower;
    at += BITMAP_BYTES;
  }
  if (next !== values.length || at !== bytes.length) throw new RangeError('a Roaring bitmap of another length');
  return values;
}
