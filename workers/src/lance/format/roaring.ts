/** A container holds the values that share their upper 16 bits: a list of at most this many, or a bitmap. */
const LIST_LIMIT = 4096;
const CONTAINER_VALUES = 65536;
const NO_RUNS = 12346;

/**
 * Encodes the numbers 0 to count - 1 as a 32-bit Roaring bitmap in its portable form
 * (github.com/RoaringBitmap/RoaringFormatSpec).
 */
export function encodeRange(count: number): Uint8Array {
  const containers = Math.ceil(count / CONTAINER_VALUES);
  const sizes = Array.from({ length: containers }, (_, i) => Math.min(CONTAINER_VALUES, count - i * CONTAINER_VALUES));
  const dataBytes = sizes.map((size) => (size <= LIST_LIMIT ? 2 * size : CONTAINER_VALUES / 8));
  const headerBytes = 8 + 8 * containers;
  const bytes = new Uint8Array(headerBytes + dataBytes.reduce((sum, size) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, NO_RUNS, true);
  view.setUint32(4, containers, true);
  let at = headerBytes;
  for (const [i, size] of sizes.entries()) {
    view.setUint16(8 + 4 * i, i, true);
    view.setUint16(10 + 4 * i, size - 1, true);
    view.setUint32(8 + 4 * containers + 4 * i, at, true);
    if (size <= LIST_LIMIT) for (let value = 0; value < size; value++) view.setUint16(at + 2 * value, value, true);
    else for (let value = 0; value < size; value++) bytes[at + (value >> 3)]! |= 1 << (value & 7);
    at += dataBytes[i]!;
  }
  return bytes;
}
