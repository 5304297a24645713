import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinBackgrounds } from '../../../workers/src/report/significance/background.ts';

const bucket = fc.record({
  rows: fc.integer({ min: 1, max: 1e9 }),
  background: fc
    .record({
      from: fc.double({ min: -2, max: 2, noNaN: true }),
      width: fc.double({ min: 0.01, max: 5, noNaN: true }),
      counts: fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 6 }),
    })
    .filter(({ counts }) => counts.some((count) => count > 0))
    .map(({ from, width, counts }) => ({ from, to: from + width, counts })),
});

describe('joinBackgrounds', () => {
  it('weighs buckets by their rows, and spreads the pairs of a bin evenly', () => {
    const distance = fc.double({ min: -3, max: 8, noNaN: true });
    fc.assert(
      fc.property(fc.array(bucket, { minLength: 1, maxLength: 4 }), distance, (buckets, distance) => {
        const expected = buckets.map(({ rows, background: { from, to, counts } }) => {
          const width = (to - from) / counts.length;
          const below = counts.map(
            (count, i) => count * Math.min(1, Math.max(0, (distance - from - i * width) / width)),
          );
          return { rows, share: sum(below) / sum(counts) };
        });
        const mean = sum(expected.map(({ rows, share }) => rows * share)) / sum(expected.map(({ rows }) => rows));
        expect(joinBackgrounds(buckets)!.shareBelow(distance)).toBeCloseTo(mean, 9);
      }),
    );
  });

  it('has quantiles that invert the shares', () => {
    fc.assert(
      fc.property(bucket, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (one, share) => {
        const { quantile, shareBelow } = joinBackgrounds([one])!;
        expect(shareBelow(quantile(share))).toBeCloseTo(share, 6);
      }),
    );
  });

  it('is undefined without pairs', () => {
    expect(joinBackgrounds([])).toBeUndefined();
    // Buckets of fewer than 16 rows, and of equal vectors.
    expect(joinBackgrounds([{ rows: 3, background: { from: 0, to: 0, counts: [] } }])).toBeUndefined();
    expect(joinBackgrounds([{ rows: 3, background: { from: 0, to: 1, counts: [0, 0] } }])).toBeUndefined();
  });
});

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
