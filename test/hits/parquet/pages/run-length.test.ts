import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readIndices } from '../../../../workers/src/hits/parquet/pages/run-length.ts';

/** Writes indices as the format defines: runs if `runs` says so, otherwise groups of eight. */
function encode(parts: readonly { run: boolean; values: readonly number[] }[], width: number): Uint8Array {
  const bytes = [width];
  const varint = (number: number) => {
    for (let rest = number; ; rest >>>= 7) {
      bytes.push(rest < 128 ? rest : (rest & 127) | 128);
      if (rest < 128) return;
    }
  };
  for (const { run, values } of parts) {
    if (run) {
      varint(values.length * 2);
      for (let i = 0; i < (width + 7) >> 3; i++) bytes.push((values[0]! / 256 ** i) & 255);
      continue;
    }
    const groups = Math.ceil(values.length / 8);
    varint(groups * 2 + 1);
    const bits = Array.from({ length: groups * 8 }, (_, i) =>
      Array.from({ length: width }, (_, bit) => Math.floor((values[i] ?? 0) / 2 ** bit) & 1),
    ).flat();
    for (let at = 0; at < bits.length; at += 8)
      bytes.push(bits.slice(at, at + 8).reduce((byte, bit, i) => byte + bit * 2 ** i, 0));
  }
  return Uint8Array.from(bytes);
}

function decode(bytes: Uint8Array, count: number): number[] {
  const indices: number[] = [];
  readIndices(bytes, count, (index, times) => {
    for (let i = 0; i < times; i++) indices.push(index);
  });
  return indices;
}

const encoded = fc.integer({ min: 0, max: 31 }).chain((width) => {
  const value = fc.nat(2 ** width - 1);
  const run = fc.tuple(value, fc.integer({ min: 1, max: 300 }));
  return fc.record({
    width: fc.constant(width),
    parts: fc.array(
      fc.oneof(
        run.map(([index, times]) => ({ run: true, values: new Array<number>(times).fill(index) })),
        // Only the last group may be padded, so groups are complete.
        fc.array(value, { minLength: 8, maxLength: 8 }).map((values) => ({ run: false, values })),
      ),
      { maxLength: 8 },
    ),
  });
});

describe('readIndices', () => {
  it('reads indices as the format defines', () => {
    fc.assert(
      fc.property(encoded, ({ width, parts }) => {
        const all = parts.flatMap(({ values }) => values);
        expect(decode(encode(parts, width), all.length)).toEqual(all);
      }),
    );
  });

  it('ignores the padding of the last group', () => {
    expect(decode(encode([{ run: false, values: [1, 2, 3] }], 2), 3)).toEqual([1, 2, 3]);
  });

  it('refuses bytes that end too early, or contain empty runs', () => {
    const bytes = encode([{ run: false, values: [1, 2, 3, 4, 5, 6, 7, 0] }], 3);
    expect(() => decode(bytes.subarray(0, 3), 8)).toThrow(RangeError);
    expect(() => decode(bytes, 9)).toThrow(RangeError);
    expect(() => decode(Uint8Array.of(3, 0, 1), 9)).toThrow('an empty run');
    expect(() => decode(Uint8Array.of(), 1)).toThrow(RangeError);
  });
});
