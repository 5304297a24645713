import { describe, expect, it } from 'vitest';
import {
  type Campaign,
  estimateCampaign,
  queryCost,
  type Reading,
  type SearchRate,
} from '../../../workers/src/forecast/model/campaign-cost.ts';
import type { Machine } from '../../../workers/src/forecast/model/model-machine.ts';
import { EVEN } from '../../../workers/src/forecast/model/speed-up.ts';

const SYSTEM = 'LanceFlow scan';
const rate = (
  nprobes: number,
  secondsPerQuery: number,
  recall: number,
  more: Partial<SearchRate> = {},
): SearchRate => ({
  ...{ system: SYSTEM, queries: 20_000, k: 10, nprobes, recall },
  ...{ queriesPerSecond: { median: 1 / secondsPerQuery } },
  ...more,
});
/** 1,000,000 rows in 1,000 partitions, on 2 cores. */
const bucket = (...lines: SearchRate[]) => ({ rows: 1e6, cores: 2, lines });
const WANTED = { k: 10, recall: 0.95 };

describe('the cost of a query', () => {
  it('is a fixed part, and one for each compared row', () => {
    // 0.1 ms, and 10 ns a row: 10 probes compare 10,000 rows.
    const cost = queryCost(bucket(rate(10, 2e-4, 0.9), rate(40, 5e-4, 0.99)), [SYSTEM], WANTED)!;
    expect(cost.fixed).toBeCloseTo(2e-4, 9);
    expect(cost.perRow).toBeCloseTo(2e-8, 12);
    expect(cost.probedShare).toBeCloseTo((10 + (0.05 / 0.09) * 30) / 1000, 9);
  });

  it('counts the most queries, the quickest system, and this k', () => {
    const cost = queryCost(
      bucket(
        rate(0, 1, 1),
        rate(0, 0.5, 1, { system: 'other' }),
        rate(0, 9, 1, { queries: 100 }),
        rate(0, 0.1, 1, { k: 100 }),
        rate(0, 0.1, 1, { system: 'third' }),
      ),
      [SYSTEM, 'other'],
      WANTED,
    )!;
    expect(cost).toEqual({ fixed: 0, perRow: 1e-6, probedShare: 1 });
    expect(queryCost(bucket(rate(0, 1, 1)), [SYSTEM], { ...WANTED, k: 7 })).toBeUndefined();
  });

  it('stays within the measured shares', () => {
    const lines = bucket(rate(10, 2e-4, 0.96), rate(40, 5e-4, 0.99));
    expect(queryCost(lines, [SYSTEM], WANTED)!.probedShare).toBeCloseTo(0.01);
    expect(queryCost(lines, [SYSTEM], { ...WANTED, recall: 0.999 })!.probedShare).toBeCloseTo(0.04);
  });
});

describe('a campaign', () => {
  const machine: Machine = {
    ...{ name: 'm', cores: 10, dollarsPerHour: 2 },
    ...{ diskBytesPerSecond: 1e9, networkBytesPerSecond: 2e9 },
  };
  const campaign: Campaign = { queries: 1000, k: 10, recall: 0.95, rows: 4e9, bucketRows: 1e9 };
  const reading: Reading = { fetchedBytesPerRow: 900, scannedBytesPerRow: 90, blockQueries: 300, bytesPerQuery: 1e6 };

  it('takes the longer of computing and reading, after fetching', () => {
    const cost = { fixed: 1, perRow: 1e-7, probedShare: 0.1 };
    const estimate = estimateCampaign(campaign, cost, reading, EVEN, machine);
    // 4 buckets x 1,000 queries x (1 s + 10 s) on 10 cores; 4 passes of 360 GB, and 4 GB besides.
    expect(estimate.computingHours * 3600).toBeCloseTo(4400, 6);
    expect(estimate.diskHours * 3600).toBeCloseTo(1444, 6);
    expect(estimate.fetchHours * 3600).toBeCloseTo(3600, 6);
    expect(estimate.machineHours * 3600).toBeCloseTo(8000, 6);
    expect(estimate.fetchedBytes).toBe(3.6e12);
    expect(estimate.dollars).toBeCloseTo((8000 / 3600) * 2, 6);
  });

  it('reads a bucket once for each block of queries', () => {
    const cost = { fixed: 0, perRow: 0, probedShare: 1 };
    const hours = (blockQueries: number) =>
      estimateCampaign(campaign, cost, { ...reading, blockQueries, bytesPerQuery: 0 }, EVEN, machine).diskHours;
    expect(hours(100) / hours(1000)).toBeCloseTo(10);
    expect(hours(999) / hours(1000)).toBeCloseTo(2);
  });
});
