import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ticksBetween } from '../../workers/src/report/chart.ts';

describe('ticksBetween', () => {
  it.each([
    [0.09375, 0.875, [0.2, 0.4, 0.6, 0.8]],
    [0, 2, [0, 0.5, 1, 1.5, 2]],
    [-3, 40, [0, 10, 20, 30, 40]],
    [120, 12_000, [2000, 4000, 6000, 8000, 10_000, 12_000]],
  ])('labels an axis from %d to %d', (start, end, expected) => {
    expect(ticksBetween(start, end)).toEqual(expected);
  });

  it('returns two to eight ascending values of the range', () => {
    const bound = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
    fc.assert(
      fc.property(bound, bound, (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        // Bins are never narrower than the precision of float32.
        fc.pre(end - start > 1e-6 * Math.max(Math.abs(start), Math.abs(end)) && end - start > 2 ** -40);
        const ticks = ticksBetween(start, end);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(8);
        const slack = (end - start) / 1e6;
        for (const [i, tick] of ticks.entries()) {
          expect(tick).toBeGreaterThanOrEqual(start - slack);
          expect(tick).toBeLessThanOrEqual(end + slack);
          if (i > 0) expect(tick).toBeGreaterThan(ticks[i - 1]!);
        }
      }),
    );
  });
});
