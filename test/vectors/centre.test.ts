import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commonCentre, quantile } from '../../workers/src/vectors/centre.ts';

const centroids = (rows: number[][]) => ({
  count: rows.length,
  dimension: rows[0]!.length,
  vectors: Float32Array.from(rows.flat()),
});
const near = fc.array(fc.tuple(fc.integer({ min: 95, max: 105 }), fc.integer({ min: -205, max: -195 })), {
  minLength: 16,
  maxLength: 30,
});

describe('commonCentre', () => {
  it('is the mean of centroids that are close to each other', () => {
    fc.assert(
      fc.property(near, (rows) => {
        const mean = [0, 1].map((i) => rows.reduce((sum, row) => sum + row[i]! / rows.length, 0));
        for (const [i, value] of commonCentre(centroids(rows)).entries()) expect(value).toBeCloseTo(mean[i]!, 3);
      }),
    );
  });

  it('ignores a few outliers, however far', () => {
    const far = fc.tuple(fc.integer({ min: -9, max: 9 }), fc.constantFrom(1e4, 1e9, 1e17));
    fc.assert(
      fc.property(near, fc.array(far, { maxLength: 3 }), (rows, others) => {
        const [x, y] = commonCentre(centroids([...rows, ...others.map(([a, length]) => [a * length, length])]));
        expect(Math.hypot(x! - 100, y! + 200)).toBeLessThan(20);
      }),
    );
  });

  it('is zero without a common offset, also for lengths over many decades', () => {
    const rows = Array.from({ length: 30 }, (_, i) => [Math.cos(i) * 10 ** (i - 15), Math.sin(i) * 10 ** (i - 15)]);
    const [x, y] = commonCentre(centroids(rows));
    expect(Math.hypot(x!, y!)).toBeLessThan(1e-10);
    expect([...commonCentre(centroids([[0, 0]]))]).toEqual([0, 0]);
  });
});

describe('quantile', () => {
  it('has the given fraction of values below it', () => {
    expect(quantile([3, 1, 2, 5, 4], 0.5)).toBe(3);
    expect(
      quantile(
        Array.from({ length: 100 }, (_, i) => i),
        0.9,
      ),
    ).toBe(90);
  });
});
