import { describe, expect, it } from 'vitest';
import { encodeRange } from '../../../workers/src/lance/format/roaring.ts';

/** Decodes by the format's specification: a list or a bitmap for each 65,536 values, found by the offsets. */
function decode(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer);
  expect(view.getUint32(0, true)).toBe(12346);
  const containers = view.getUint32(4, true);
  const values: number[] = [];
  for (let i = 0; i < containers; i++) {
    const high = view.getUint16(8 + 4 * i, true) * 65536;
    const size = view.getUint16(10 + 4 * i, true) + 1;
    const at = view.getUint32(8 + 4 * containers + 4 * i, true);
    if (size <= 4096) for (let j = 0; j < size; j++) values.push(high + view.getUint16(at + 2 * j, true));
    else for (let j = 0; j < 65536; j++) if ((bytes[at + (j >> 3)]! >> (j & 7)) & 1) values.push(high + j);
  }
  return values;
}

describe('encodeRange', () => {
  it.each([1, 2, 4096, 4097, 65_536, 65_537, 140_000])('holds the numbers below %i', (count) => {
    expect(decode(encodeRange(count))).toEqual(Array.from({ length: count }, (_, i) => i));
  });
});
