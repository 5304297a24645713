import { expect, test } from 'vitest';
import { compareEmbeddings } from '../../workers/src/embed/embedding-agreement.ts';

const AROUND = Float32Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? Math.cos(i / 8) : Math.sin((i - 1) / 8)));

test('vectors agree with themselves, whatever their length', () => {
  const longer = AROUND.map((value) => 3 * value);
  const { meanCosine, minCosine, neighbourOverlap } = compareEmbeddings(AROUND, longer, 2, 3);
  expect(meanCosine).toBeCloseTo(1, 6);
  expect(minCosine).toBeCloseTo(1, 6);
  expect(neighbourOverlap).toBe(1);
});

test('one deviating vector lowers the minimum cosine and the overlap', () => {
  const off = Float32Array.from(AROUND);
  off[0] = -1;
  off[1] = 0;
  const { minCosine, neighbourOverlap } = compareEmbeddings(AROUND, off, 2, 3);
  expect(minCosine).toBeCloseTo(-1, 6);
  expect(neighbourOverlap).toBeLessThan(1);
});

test('the overlap is undefined for a small sample', () => {
  expect(compareEmbeddings(AROUND, AROUND, 2, 12).neighbourOverlap).toBeUndefined();
});
