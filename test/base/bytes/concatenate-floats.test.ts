import { expect, it } from 'vitest';
import { concatenateFloats } from '../../../workers/src/base/bytes/concatenate-floats.ts';

it('keeps the order of the parts, also of empty ones', () => {
  const parts = [Float32Array.of(1, 2), Float32Array.of(), Float32Array.of(3)];
  expect(concatenateFloats(parts)).toEqual(Float32Array.of(1, 2, 3));
  expect(concatenateFloats([])).toEqual(Float32Array.of());
});
