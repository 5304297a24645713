import { describe, expect, it } from 'vitest';
import { fitsFloat16, longestCentroid, queryFactor } from '../../workers/src/vectors/query-scale.ts';
import { kindOfRows } from '../support/kinds-of-rows.ts';

const DIMENSION = 64;
const normal = kindOfRows('normal', 1, 1, DIMENSION);
const times = (factor: number) => normal.map((x) => x * factor);
const lengthOf = (vector: Float32Array) => Math.hypot(...vector);
const FACTORS = [1e-38, 1e-17, 1e-9, 1e-6, 1e-4, 1e-2, 1, 100, 1e4, 1e6, 1e17];

describe('fitsFloat16', () => {
  it.each(FACTORS)('is true if rounding keeps 11 bits: x %d', (factor) => {
    const vector = times(factor);
    const rounded = new Float16Array(vector);
    const error = lengthOf(vector.map((x, i) => x - rounded[i]!));
    expect(fitsFloat16(vector)).toBe(error <= lengthOf(vector) / 2048);
    expect(fitsFloat16(vector)).toBe(factor >= 1e-4 && factor <= 1e4);
  });

  it('allows zeros and a few very small components, but none that becomes infinite', () => {
    expect(fitsFloat16(new Float32Array(8))).toBe(true);
    expect(fitsFloat16(Float32Array.of(1, 1e-9, -1e-30))).toBe(true);
    expect(fitsFloat16(Float32Array.of(1, 65_519))).toBe(true);
    expect(fitsFloat16(Float32Array.of(1, 65_520))).toBe(false);
  });
});

describe('queryFactor', () => {
  it.each(FACTORS)('is a power of two that makes the query representable in float16: x %d', (factor) => {
    for (const isHalf of [true, false])
      for (const rowLength of [1e-3, 1, 1e4]) {
        const vector = times(factor);
        const found = queryFactor(vector, rowLength, isHalf);
        expect(Math.log2(found) % 1).toBeCloseTo(0, 12);
        const scaled = vector.map((x) => x * found);
        if (isHalf) expect(fitsFloat16(scaled)).toBe(true);
        // Subnormal float32 components have lost bits before.
        expect(scaled.map((x) => x / found)).toEqual(vector);
        expect(lengthOf(scaled)).toBeGreaterThan(rowLength / 4096);
      }
  });

  it('is 1 for ordinary queries and zeros', () => {
    for (const isHalf of [true, false])
      for (const vector of [times(1), times(0.01), new Float32Array(8)])
        expect(queryFactor(vector, 10, isHalf)).toBe(1);
    expect(queryFactor(times(1e6), 1, false)).toBe(1);
  });
});

it('longestCentroid is the length of the longest', () => {
  expect(longestCentroid({ count: 3, dimension: 2, vectors: Float32Array.of(1, 0, 3, 4, 0, 0) })).toBe(5);
});
