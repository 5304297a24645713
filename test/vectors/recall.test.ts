import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../workers/src/base/random.ts';
import { type Estimate, estimateRecall, fewestProbes, probesForRecall } from '../../workers/src/vectors/recall.ts';

describe('estimateRecall and probesForRecall', () => {
  it.each([[20], [200]])('has the true value in its interval about as often as it says, of %i queries', (count) => {
    const random = seededRandom(3);
    for (const recall of [0.5, 0.9, 0.95]) {
      let inside = 0;
      for (let trial = 0; trial < 1000; trial++) {
        const found = () => Array.from({ length: 10 }, () => Number(random() < recall)).reduce((a, b) => a + b) / 10;
        const { low, high } = estimateRecall(Array.from({ length: count }, found));
        if (low <= recall && recall <= high) inside++;
      }
      // Three standard errors of a thousand trials below 95%, and what is lost where the interval ends at 1.
      expect(inside).toBeGreaterThan(920);
      expect(inside).toBeLessThan(985);
    }
  });

  it('is a mean within its interval, narrower with more queries', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 50 }), (recalls) => {
        const { mean, low, high, queries } = estimateRecall(recalls);
        expect(queries).toBe(recalls.length);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(mean + 1e-9);
        expect(high).toBeGreaterThanOrEqual(mean - 1e-9);
      }),
    );
    const width = (count: number) => {
      const { low, high } = estimateRecall(Array.from({ length: count }, (_, i) => (i % 2 ? 0.9 : 1)));
      return high - low;
    };
    expect(width(400)).toBeLessThan(width(40));
  });

  it('needs the fewest probes that reach the target', () => {
    const ranks = fc.array(fc.array(fc.nat(29), { maxLength: 10 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(ranks, fc.double({ min: 0.01, max: 1, noNaN: true }), (own, target) => {
        const recallAt = (nprobes: number) => {
          const each = own.map((list) =>
            list.length ? list.filter((rank) => rank < nprobes).length / list.length : 1,
          );
          return each.reduce((sum, value) => sum + value, 0) / each.length;
        };
        const { nprobes, recalls } = probesForRecall(own, target, 30);
        expect(recalls.reduce((sum, value) => sum + value, 0) / recalls.length).toBeCloseTo(recallAt(nprobes), 12);
        if (nprobes < 30) expect(recallAt(nprobes)).toBeGreaterThanOrEqual(target);
        if (nprobes > 1) expect(recallAt(nprobes - 1)).toBeLessThan(target);
      }),
    );
  });
});

describe('fewestProbes', () => {
  it('finds, of a recall that grows, about the fewest probes that reach the target, in few tries', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20_000 }),
        fc.integer({ min: 1, max: 14_000 }),
        async (enough, partitions) => {
          const tried: number[] = [];
          const measure = async (nprobes: number): Promise<Estimate> => {
            tried.push(nprobes);
            const mean = nprobes >= enough ? 0.95 : 0.9;
            return { mean, low: mean, high: mean, queries: 1 };
          };
          const { nprobes, recall } = await fewestProbes(measure, 0.95, partitions);
          expect(recall.mean).toBe(enough <= partitions ? 0.95 : 0.9);
          expect(nprobes).toBeGreaterThanOrEqual(Math.min(enough, partitions));
          if (enough <= partitions) expect(nprobes - enough).toBeLessThanOrEqual(nprobes / 8);
          expect(tried.length).toBeLessThan(18);
          expect(Math.max(...tried)).toBeLessThanOrEqual(partitions);
          expect(Math.min(...tried)).toBeGreaterThan(0);
        },
      ),
    );
  });
});
