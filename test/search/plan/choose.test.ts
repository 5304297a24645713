import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../workers/src/base/errors.ts';
import { seededRandom } from '../../../workers/src/base/random.ts';
import { queriesInMemory } from '../../../workers/src/search/engine/memory.ts';
import { NearestRows } from '../../../workers/src/search/engine/nearest.ts';
import {
  defaultNprobes,
  possibleWays,
  SEARCH_MODES,
  type SearchRequest,
} from '../../../workers/src/search/plan/choose.ts';
import { estimateCosts, formatCosts } from '../../../workers/src/search/plan/cost.ts';
import { type Estimate, estimateRecall, fewestProbes, probesForRecall } from '../../../workers/src/vectors/recall.ts';

const partitions = { path: 'p', count: 100, bytes: 1, checksum: '0' };
const index = { kind: 'ivf-pq' as const, metric: 'cosine' as const, partitions: 100, parameters: {} };
const none = { ...index, kind: 'none' as const, partitions: 0 };
const asked: SearchRequest = {
  k: 10,
  search: 'auto',
  nprobes: undefined,
  refineFactor: undefined,
  targetRecall: undefined,
};

describe('possibleWays', () => {
  it('gives what was asked for where the bucket allows it', () => {
    for (const search of ['ann', 'scan', 'exact'] as const)
      expect(possibleWays({ ...asked, search }, { rows: 1000, index, partitions })).toEqual({
        ways: [search],
        notes: [],
      });
    expect(possibleWays(asked, { rows: 1000, index, partitions }).ways).toEqual(['exact', 'scan', 'ann']);
  });

  it('reads everything where nothing else would answer, with a word unless the choice was free', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SEARCH_MODES),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 40 }),
        (search, indexed, ordered, k) => {
          const bucket = { rows: 20, index: indexed ? index : none, ...(ordered ? { partitions } : {}) };
          const { ways, notes } = possibleWays({ ...asked, search, k }, bucket);
          expect(ways.length).toBeGreaterThan(0);
          if (ways.includes('ann')) expect(indexed && k < 20).toBe(true);
          if (ways.includes('scan')) expect(ordered && k < 20).toBe(true);
          const changed = search !== 'auto' && !ways.includes(search);
          expect(notes.length).toBe(changed ? 1 : 0);
          if (changed) expect(ways).toEqual(['exact']);
        },
      ),
    );
  });

  it('probes 5%, at least 20, at most all', () => {
    expect([0, 1, 10, 100, 1000, 14_142].map(defaultNprobes)).toEqual([1, 1, 10, 20, 50, 708]);
  });
});

describe('estimateCosts', () => {
  const rates = {
    flopsPerSecond: 1e11,
    rowSeconds: 5e-7,
    queryBlockSeconds: 5e-7,
    fewFlopsPerSecond: 5e10,
    fewRowSeconds: 1e-7,
    distanceSeconds: 3e-7,
    readBytesPerSecond: 1e9,
    annQueriesPerSecond: 300,
  };
  const work = (queryCount: number, nprobes: number, k = 10) => ({ queryCount, nprobes, k });
  const bucket = {
    rows: 1e6,
    dimension: 960,
    vectorType: 'float32' as const,
    index,
    partitions: { ...partitions, count: 1000 },
  };

  it('sorts by time, and a scan costs no more than reading everything', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 100 }), (queries, nprobes) => {
        const estimates = estimateCosts(bucket, work(queries, nprobes), rates);
        expect(estimates.map(({ way }) => way).sort()).toEqual(['ann', 'exact', 'scan']);
        const seconds = estimates.map((estimate) => estimate.seconds);
        expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
        const read = (wanted: string) => estimates.find(({ way }) => way === wanted)!.readSeconds;
        expect(read('scan')).toBeLessThanOrEqual(read('exact'));
      }),
    );
  });

  it('prefers the index for one query and products for many', () => {
    expect(estimateCosts(bucket, work(1, 20), rates)[0]!.way).toBe('ann');
    expect(estimateCosts(bucket, work(1e5, 20), rates)[0]!.way).toBe('scan');
    expect(formatCosts(estimateCosts(bucket, work(1, 20), rates))).toMatch(/ann .*<- chosen/);
  });

  it('leaves out what the bucket does not have', () => {
    const { partitions: _, ...unordered } = bucket;
    expect(estimateCosts({ ...unordered, index: none }, work(5, 1), rates).map(({ way }) => way)).toEqual(['exact']);
  });
});

describe('recall', () => {
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

describe('queriesInMemory', () => {
  it('fits the budget, and says the least where it does not', () => {
    const queries = queriesInMemory(2e9, 960, 10, 2);
    expect(queries * (2 * 960 * 4 + 2 * NearestRows.bytesPerQuery(10))).toBeLessThan(2e9);
    expect(queriesInMemory(4e9, 960, 10, 2)).toBeGreaterThan(queries);
    expect(queriesInMemory(2e9, 960, 10, 8)).toBeLessThan(queries);
    // What threads share is addressed by 32 bits, however much memory there is.
    expect(queriesInMemory(1e12, 960, 10, 2) * 960 * 5).toBeLessThan(2 ** 32);
    expect(() => queriesInMemory(1e6, 960, 10, 2)).toThrow(UsageError);
    expect(() => queriesInMemory(1e6, 960, 10, 2)).toThrow(/--memory 1\.0 MB is too small .*the least is \d+/);
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
