import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHistogram } from '../../workers/src/report/histogram.ts';

const values = fc.array(
  fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.float({ min: 0, max: 2, noNaN: true })),
  { maxLength: 200 },
);

describe('createHistogram', () => {
  it('counts every finite value in its bin, in at most the given number of bins', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 2, max: 50 }), (all, most) => {
        const histogram = createHistogram();
        for (const value of all) histogram.add(value);
        const range = histogram.range();
        const bins = range ? histogram.bins(most, range) : [];
        expect(bins.length).toBeLessThanOrEqual(most);
        for (const { start, end, count } of bins)
          expect(count).toBe(all.filter((value) => value >= start && value < end).length);
        expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(all.length);
      }),
    );
  });

  it('knows quantiles to a fraction of the range, however many values there are', () => {
    const histogram = createHistogram();
    for (let i = 0; i < 100_000; i++) histogram.add(Math.fround(((i * 7919) % 100_000) / 100_000));
    expect(histogram.quantile(0.5)).toBeCloseTo(0.5, 2);
    expect(histogram.quantile(0.9)).toBeCloseTo(0.9, 2);
    expect(histogram.bins(48, histogram.range()!).length).toBeGreaterThan(24);
  });

  it('ignores infinite values, and has no bins without values', () => {
    const histogram = createHistogram();
    histogram.add(Number.POSITIVE_INFINITY);
    expect(histogram.count).toBe(0);
    expect(histogram.range()).toBeUndefined();
    expect(histogram.bins(10, [0, 1])).toEqual([]);
    expect(histogram.quantile(0.5)).toBeNaN();
  });

  it('has the same bins as another of the same range', () => {
    const [few, many] = [createHistogram(), createHistogram()];
    for (const value of [0.31, 0.32]) few.add(value);
    for (let i = 0; i < 5000; i++) many.add(i / 2500);
    const edges = (histogram: typeof few) => histogram.bins(48, [0, 2]).map(({ start, end }) => [start, end]);
    expect(edges(few)).toEqual(edges(many));
  });
});
