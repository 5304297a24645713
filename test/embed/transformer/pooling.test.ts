import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planBatches } from '../../../workers/src/embed/transformer/batches.ts';
import { POOLINGS, planWindows, poolingWeights } from '../../../workers/src/embed/transformer/pooling.ts';

const TOKENS = { prefix: [3], suffix: [4] };

describe('planWindows', () => {
  test('one window if the sequence fits', () => {
    expect(planWindows(10, 10, 2)).toEqual([{ start: 0, end: 10 }]);
  });

  test('windows of equal size, evenly spaced', () => {
    expect(planWindows(25, 10, 2)).toEqual([
      { start: 0, end: 10 },
      { start: 8, end: 18 },
      { start: 15, end: 25 },
    ]);
  });

  test('cover every residue, overlap enough, and have the requested size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 300 }),
        fc.nat(100),
        (n, size, share) => {
          const overlap = Math.floor((size * share) / 134);
          const windows = planWindows(n, size, overlap);
          expect(windows[0]!.start).toBe(0);
          expect(windows.at(-1)!.end).toBe(n);
          for (const [i, { start, end }] of windows.entries()) {
            expect(end - start).toBe(Math.min(n, size));
            if (i > 0) expect(windows[i - 1]!.end - start).toBeGreaterThanOrEqual(overlap);
          }
        },
      ),
    );
  });
});

describe('poolingWeights', () => {
  test('of one window', () => {
    const windows = planWindows(2, 10, 0);
    expect(poolingWeights('mean', windows, TOKENS)).toEqual([Float32Array.of(0, 0.5, 0.5, 0)]);
    expect(poolingWeights('mean-special', windows, TOKENS)).toEqual([Float32Array.of(0.25, 0.25, 0.25, 0.25)]);
    expect(poolingWeights('cls', windows, TOKENS)).toEqual([Float32Array.of(1, 0, 0, 0)]);
  });

  test('a residue counts once, in shares of the windows that cover it', () => {
    const weights = poolingWeights(
      'mean',
      [
        { start: 0, end: 3 },
        { start: 1, end: 4 },
      ],
      TOKENS,
    );
    expect(weights).toEqual([Float32Array.of(0, 0.25, 0.125, 0.125, 0), Float32Array.of(0, 0.125, 0.125, 0.25, 0)]);
  });

  test('sum to one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 2, max: 500 }), (n, size) => {
        for (const pooling of POOLINGS) {
          const weights = poolingWeights(pooling, planWindows(n, size, size >> 2), TOKENS);
          const total = weights.reduce((sum, window) => sum + window.reduce((a, b) => a + b, 0), 0);
          expect(total).toBeCloseTo(1, 5);
        }
      }),
    );
  });
});

describe('planBatches', () => {
  test('one at a time, the longest first', () => {
    expect(planBatches([3, 9, 5], 0)).toEqual([[1], [2], [0]]);
  });

  test('every piece once, no batch above the budget unless a single piece is', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 500 })), fc.integer({ min: 0, max: 2000 }), (counts, budget) => {
        const batches = planBatches(counts, budget);
        expect(batches.flat().sort((a, b) => a - b)).toEqual(counts.map((_, i) => i));
        for (const batch of batches) {
          const longest = Math.max(...batch.map((i) => counts[i]!));
          expect(counts[batch[0]!]).toBe(longest);
          if (batch.length > 1) expect(batch.length * longest).toBeLessThanOrEqual(budget);
        }
      }),
    );
  });
});
