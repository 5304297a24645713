import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { float32Text } from '../../workers/src/core/merge-float-text.ts';

const float = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ min: 0, max: 2, noNaN: true }),
  // Decimals of few digits, the neighbours of powers of ten, and the ends of the range.
  fc.integer({ min: 0, max: 2_000_000 }).map((n) => Math.fround(n / 1e6)),
  fc.integer({ min: -45, max: 38 }).map((e) => Math.fround(Number(`1e${e}`))),
  fc.constantFrom(2 ** -149, 3.4028234663852886e38, 16777216, 0.000001, 1e21).map(Math.fround),
);

describe('float32Text', () => {
  it('reads back as the same float32, and no shorter text does', () => {
    fc.assert(
      fc.property(float, (value) => {
        const text = float32Text(value);
        expect(Math.fround(Number(text))).toBe(value === 0 ? 0 : value);
        const digits = text.replace(/e.*|[^0-9e]|^0\.0*/g, '').replace(/^0+|0+$/g, '').length;
        expect(digits).toBeLessThanOrEqual(9);
        if (value !== 0 && digits > 1) expect(Math.fround(Number(value.toPrecision(digits - 1)))).not.toBe(value);
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
