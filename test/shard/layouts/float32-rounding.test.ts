import fc from 'fast-check';
import { expect, it } from 'vitest';
import { roundToFloat32 } from '../../../workers/src/shard/layouts/float32-rounding.ts';

/** The nearest float32 of an integer by search among the neighbours of a first guess; ties go to the even one. */
function nearest(value: bigint): number {
  const guess = new Float32Array([Number(value)]);
  const bits = new Int32Array(guess.buffer);
  const candidates = [-1, 0, 1].map((step) => {
    const copy = new Int32Array([bits[0]! + step]);
    return { value: new Float32Array(copy.buffer)[0]!, isEven: copy[0]! % 2 === 0 };
  });
  const distance = (x: number) => {
    const difference = BigInt(x) - value;
    return difference < 0n ? -difference : difference;
  };
  const whole = candidates.filter((each) => Number.isInteger(each.value));
  whole.sort((a, b) => {
    const [left, right] = [distance(a.value), distance(b.value)];
    return left === right ? Number(b.isEven) - Number(a.isEven) : left < right ? -1 : 1;
  });
  return whole[0]!.value;
}

it('rounds 64-bit integers once, to the nearest float32', () => {
  const near = fc
    .tuple(fc.integer({ min: 25, max: 62 }), fc.integer({ min: 0, max: 2 ** 24 }), fc.integer({ min: -2, max: 2 }))
    .map(([shift, digits, off]) => (BigInt(2 ** 24 + digits) << BigInt(shift - 24)) / 2n + BigInt(off));
  fc.assert(
    fc.property(fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), near), (value) => {
      const into = new Float32Array(1);
      const lost = roundToFloat32(BigInt64Array.of(value), into);
      expect(into[0]).toBe(nearest(value));
      expect(lost === undefined).toBe(BigInt(into[0]!) === value);
    }),
  );
});

it('finds the first number that float32 does not hold', () => {
  const into = new Float32Array(4);
  const beyond = roundToFloat32(Float64Array.of(0.1, Number.NaN, Number.POSITIVE_INFINITY, 3.5e38), into);
  expect(beyond).toEqual({ index: 3, value: 3.5e38, isBeyondRange: true });
  expect(roundToFloat32(Float64Array.of(1e-300, 3.4e38, -0, 1), into)).toBeUndefined();
  expect(roundToFloat32(Int32Array.of(2 ** 24, -(2 ** 24), 2 ** 24 + 2, 0), into)).toBeUndefined();
  const rounded = { index: 1, value: -(2 ** 24) - 1, isBeyondRange: false };
  expect(roundToFloat32(Int32Array.of(5, -(2 ** 24) - 1, 2 ** 30 + 1, 0), into)).toEqual(rounded);
  expect(roundToFloat32(Int16Array.of(5, -32768, 32767, 0), into)).toBeUndefined();
});
