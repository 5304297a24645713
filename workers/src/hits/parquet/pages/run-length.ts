import { readVarint } from './page-header.ts';

/**
 * Decodes dictionary indices, which Parquet stores as a hybrid of run lengths and bit-packed groups.
 * @param bytes bit width of an index, in one byte; then the runs
 * @param put receives the next `count` indices, which all equal `index`
 * @throws RangeError if the bytes contain fewer than `values` indices
 */
export function readIndices(bytes: Uint8Array, values: number, put: (index: number, count: number) => void): void {
  const width = bytes[0] ?? 0;
  if (width > 31) throw new RangeError(`an index of ${width} bits`);
  let at = 1;
  let left = values;
  while (left > 0) {
    const [head, next] = readVarint(bytes, at);
    const count = Math.floor(head / 2);
    if (count === 0) throw new RangeError('an empty run');
    if (head % 2 === 0) {
      const runBytes = (width + 7) >> 3;
      const taken = Math.min(count, left);
      put(readBits(bytes, next * 8, runBytes * 8), taken);
      left -= taken;
      at = next + runBytes;
    } else {
      const taken = Math.min(count * 8, left);
      for (let i = 0; i < taken; i++) put(readBits(bytes, next * 8 + i * width, width), 1);
      left -= taken;
      at = next + count * width;
    }
    if (at > bytes.length) throw new RangeError('indices end too early');
  }
}

/** Reads `width` bits, at most 32, from bit `start`; the first is the lowest. */
function readBits(bytes: Uint8Array, start: number, width: number): number {
  let value = 0;
  let scale = 1;
  let at = start >> 3;
  let skip = start & 7;
  let left = width;
  while (left > 0) {
    const taken = Math.min(8 - skip, left);
    value += ((bytes[at++]! >> skip) & ((1 << taken) - 1)) * scale;
    scale *= 2 ** taken;
    left -= taken;
    skip = 0;
  }
  return value;
}
