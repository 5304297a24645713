import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOAT_TEXT_BYTES, putFloat32 } from '../../../workers/src/hits/csv/float-text.ts';

function float32Text(value: number): string {
  const buffer = Buffer.alloc(FLOAT_TEXT_BYTES + 2, '?');
  return buffer.toString('latin1', 2, putFloat32(buffer, 2, value));
}

const float = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ min: 0, max: 2, noNaN: true }),
  // Decimals of few digits, the neighbours of powers of ten, and the ends of the range.
  fc.integer({ min: 0, max: 2_000_000 }).map((n) => Math.fround(n / 1e6)),
  fc.integer({ min: -45, max: 38 }).map((e) => Math.fround(Number(`1e${e}`))),
  fc.constantFrom(2 ** -149, 3.4028234663852886e38, 16777216, 0.000001, 1e21).map(Math.fround),
);

describe('putFloat32', () => {
  it('reads back as the same float32, and no shorter text does', () => {
    fc.assert(
      fc.property(float, (value) => {
        const text = float32Text(value);
        expect(Math.fround(Number(text))).toBe(value === 0 ? 0 : value);
        const digits = text.replace(/e.*|[^0-9e]|^0\.0*/g, '').replace(/^0+|0+$/g, '').length;
        expect(digits).toBeLessThanOrEqual(9);
        if (value === 0 || digits < 2) return;
        // A text exactly between two floats is not used, because readers round it differently.
        const shorter = Number(value.toPrecision(digits - 1));
        const readings = [shorter * (1 - 1e-12), shorter * (1 + 1e-12)].map(Math.fround);
        expect(readings).not.toEqual([value, value]);
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    [0.1, '0.1'],
    [0.30000001192092896, '0.3'],
    [1, '1'],
    [-0.25, '-0.25'],
    [-0, '0'],
    [1e-7, '1e-7'],
    [16777216, '16777216'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf'],
  ])('%f is %s', (value, text) => {
    expect(float32Text(Math.fround(value))).toBe(text);
  });
});
