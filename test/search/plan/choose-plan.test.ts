import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  choosePlan,
  chooseSettings,
  isTruthWorth,
  needsRates,
  needsTuning,
  SEARCH_PLAN,
  type SearchMeasurements,
} from '../../../workers/src/search/plan/choose-plan.ts';
import { possibleStrategies, SEARCH_MODES } from '../../../workers/src/search/plan/strategies.ts';

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const rate = fc.double({ min: 1e-9, max: 1e12, noNaN: true });

const request = fc.record({
  k: fc.integer({ min: 1, max: 2000 }),
  search: fc.constantFrom(...SEARCH_MODES),
  nprobes: optional(fc.integer({ min: 1, max: 2000 })),
  refineFactor: optional(fc.integer({ min: 0, max: 40 })),
  targetRecall: optional(fc.double({ min: 0.01, max: 1, noNaN: true })),
});
const entry = fc
  .record({ rows: fc.integer({ min: 1, max: 1e6 }), partitionCount: fc.integer({ min: 1, max: 1000 }) })
  .chain(({ rows, partitionCount }) =>
    fc.record({
      rows: fc.constant(rows),
      dimension: fc.constantFrom(16, 960),
      vectorType: fc.constantFrom('float32' as const, 'float16' as const),
      index: fc.constantFrom('ivf-rq' as const, 'none' as const).map((kind) => ({
        ...{ kind, metric: 'cosine' as const, parameters: {} },
        partitions: kind === 'none' ? 0 : partitionCount,
      })),
      partitions: optional(fc.constant({ path: 'p', count: partitionCount, bytes: 1, checksum: '0' })),
    }),
  );
const measurements: fc.Arbitrary<Required<SearchMeasurements>> = fc.record({
  tuned: fc.record({
    nprobes: fc.integer({ min: 1, max: 1000 }),
    refineFactor: fc.integer({ min: 1, max: 160 }),
    recall: fc.constant({ mean: 0.9, low: 0.8, high: 1, queries: 200 }),
  }),
  rates: fc.record({
    ...{ flopsPerSecond: rate, rowSeconds: rate, queryBlockSeconds: rate, fewFlopsPerSecond: rate },
    ...{ fewRowSeconds: rate, distanceSeconds: rate, readBytesPerSecond: rate, annQueriesPerSecond: rate },
  }),
});

/** Returns the measurements that `measureSearch` would take. */
function measured(
  asked: Parameters<typeof needsTuning>[0],
  of: Parameters<typeof needsTuning>[1],
  all: SearchMeasurements,
) {
  return {
    ...(needsTuning(asked, of) && { tuned: all.tuned }),
    ...(needsRates(asked, of) && { rates: all.rates }),
  };
}

describe('choosePlan', () => {
  it('chooses the quickest possible strategy by the estimates, or exact where it is near, with its settings', () => {
    fc.assert(
      fc.property(request, entry, fc.integer({ min: 1, max: 1e6 }), measurements, (asked, of, queries, all) => {
        const known = measured(asked, of, all);
        const { plan, partitionCount } = choosePlan(asked, of, queries, known);
        const { strategies } = possibleStrategies(asked, of);
        expect(strategies).toContain(plan.strategy);
        expect(SEARCH_PLAN.parse(plan)).toEqual(plan);
        expect(choosePlan(asked, of, queries, known)).toEqual({ plan, partitionCount });
        if (strategies.length === 1) expect(plan.estimates).toBeUndefined();
        else {
          expect(plan.estimates!.map(({ strategy }) => strategy).sort()).toEqual([...strategies].sort());
          const seconds = plan.estimates!.map((estimate) => estimate.seconds);
          expect(seconds[0]).toBe(Math.min(...seconds));
          // `exact` finds all neighbours, so it may take half as long again, or ten seconds longer.
          const exact = plan.estimates!.find(({ strategy }) => strategy === 'exact')!;
          const isNear = exact.seconds <= 1.5 * seconds[0]! || exact.seconds <= seconds[0]! + 10;
          expect(plan.strategy).toBe(isNear ? 'exact' : plan.estimates![0]!.strategy);
        }
        if (known.tuned)
          expect(plan).toMatchObject({ nprobes: all.tuned.nprobes, refineFactor: all.tuned.refineFactor });
        else {
          expect(plan.nprobes).toBeLessThanOrEqual(Math.max(1, partitionCount));
          if (asked.nprobes !== undefined) expect(plan.nprobes).toBeLessThanOrEqual(asked.nprobes);
          expect(plan.refineFactor).toBe(asked.refineFactor ?? 10);
        }
        // A recall is reported if it was measured and applies to the strategy: that of `exact` is 1.
        expect(plan.recall !== undefined).toBe(known.tuned !== undefined && plan.strategy !== 'exact');
      }),
    );
  });

  it('measures the recall where that costs less than the share of the search, and always where it was requested', () => {
    fc.assert(
      fc.property(request, entry, fc.integer({ min: 1, max: 1e6 }), measurements, (asked, of, queries, all) => {
        const { plan } = choosePlan(asked, of, queries, measured(asked, of, all));
        expect(isTruthWorth(plan, undefined)).toBe(true);
        // The ground truth of `exact` is in its hits. Otherwise it takes some time.
        expect(isTruthWorth(plan, 0)).toBe(plan.strategy === 'exact');
        const chosen = plan.estimates?.find(({ strategy }) => strategy === plan.strategy);
        if (plan.strategy === 'exact' || !chosen) return;
        expect(isTruthWorth(plan, 0.1)).toBe(plan.truthSeconds! < 0.1 * chosen.seconds);
        // It is an exact search of the evaluation sample, of 200 queries at most.
        const exact = plan.estimates!.find(({ strategy }) => strategy === 'exact')!;
        expect(plan.truthSeconds).toBeLessThanOrEqual(exact.seconds * (1 + 1e-9));
      }),
    );
  });

  it('measures only if the plan depends on it', () => {
    fc.assert(
      fc.property(request, entry, (asked, of) => {
        const { strategies } = possibleStrategies(asked, of);
        expect(needsRates(asked, of)).toBe(strategies.length > 1);
        if (asked.targetRecall === undefined || asked.nprobes !== undefined || asked.search === 'exact')
          expect(needsTuning(asked, of)).toBe(false);
        expect(chooseSettings(asked, of).nprobes).toBeGreaterThan(0);
      }),
    );
  });
});
