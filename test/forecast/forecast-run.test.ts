import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBucketSizes } from '../../workers/src/forecast/bucket-size.ts';
import { forecastRun, workOf } from '../../workers/src/forecast/forecast-run.ts';
import { findMachine, PRICES } from '../../workers/src/forecast/machines/price-table.ts';
import { NO_FACTORS } from '../../workers/src/forecast/rates/learned-rates.ts';
import { MEASURED, searchRatesFor } from '../../workers/src/forecast/rates/run-rates.ts';
import { parseRunPlan } from '../../workers/src/forecast/run-plan.ts';
import type { RunRequest } from '../../workers/src/forecast/run-request.ts';
import { searchForecaster } from '../../workers/src/search/plan/forecast-search.ts';

/** The article's run: shards of 3.5 billion vectors on i4i.8xlarge machines. */
function requestOf(rows: number, { bucketSize = 200e6, machines = 20, queries = 0, isRemote = true } = {}): RunRequest {
  const machine = findMachine(PRICES, 'i4i.8xlarge');
  const search = searchForecaster({
    k: 10,
    search: 'auto',
    nprobes: undefined,
    refineFactor: undefined,
    targetRecall: undefined,
  });
  return {
    build: {
      vectors: {
        shards: 100,
        describeTasks: 10,
        rows,
        bytes: rows * 3872,
        idBytes: 20,
        dimension: 960,
        vectorType: 'float32',
      },
      ...{
        dimension: 960,
        bucketSize,
        vectorType: 'float32',
        order: 'partition',
        index: 'ivf-rq',
        keepsSequences: false,
      },
    },
    existing: [],
    ...(queries > 0 && { queries: { count: queries, k: 10, idBytes: 20 } }),
    forecastSearch: (bucket, count, cores) =>
      search(bucket, count, {
        ...{ cores, rates: searchRatesFor(MEASURED, cores, 960), readBytesPerSecond: 2e9 },
        ...{ isRemote, isDivided: true, probedShare: undefined },
      }),
    isRemote,
    cluster: { machine, light: machine, machines, prices: PRICES, copiesInputs: true },
  };
}

const rowCount = fc.integer({ min: 1, max: 4e9 });
const settings = fc.record({
  bucketSize: fc.integer({ min: 1000, max: 1e9 }),
  machines: fc.integer({ min: 1, max: 50 }),
  queries: fc.integer({ min: 0, max: 2e6 }),
});

describe('a forecast', () => {
  it('has totals that are the sums of its stages, and intervals around what it expects', () => {
    fc.assert(
      fc.property(rowCount, settings, (rows, options) => {
        const plan = forecastRun(requestOf(rows, options), MEASURED);
        expect(parseRunPlan(JSON.stringify(plan), 'plan')).toEqual(plan);
        for (const field of ['bytesRead', 'bytesWritten', 'bytesStored', 'requests'] as const)
          expect(plan.total[field]).toBeCloseTo(
            plan.stages.reduce((sum, stage) => sum + stage[field], 0),
            5,
          );
        for (const field of ['cpuHours', 'dollars'] as const)
          expect(plan.total[field]!.estimate).toBeCloseTo(
            plan.stages.reduce((sum, stage) => sum + stage[field]!.estimate, 0),
            8,
          );
        const hours = plan.stages.reduce((sum, stage) => sum + stage.hours.estimate, 0);
        // Nextflow itself takes some seconds.
        expect(plan.total.hours.estimate).toBeGreaterThan(hours);
        expect(plan.total.hours.estimate).toBeLessThan(hours + 60 / 3600);
        for (const { hours: time, cpuHours, dollars } of [...plan.stages, plan.total])
          for (const { low, estimate, high } of [time, cpuHours, dollars!]) {
            expect(low).toBeLessThanOrEqual(estimate);
            expect(high).toBeGreaterThanOrEqual(estimate);
          }
        expect(plan.rates.map(({ stage }) => stage)).toEqual(plan.stages.map(({ command }) => command));
      }),
      { numRuns: 60 },
    );
  });

  it('of more rows never costs less', () => {
    fc.assert(
      fc.property(rowCount, rowCount, settings, (one, other, options) => {
        const [few, many] = [Math.min(one, other), Math.max(one, other)].map(
          (rows) => forecastRun(requestOf(rows, { ...options, queries: 0 }), MEASURED).total,
        );
        expect(many!.cpuHours.estimate).toBeGreaterThanOrEqual(few!.cpuHours.estimate * (1 - 1e-3));
        expect(many!.bytesStored).toBeGreaterThanOrEqual(few!.bytesStored * (1 - 1e-3));
      }),
      { numRuns: 60 },
    );
  });

  it('of the example of the article takes an eighth of its hours, and as many bytes', () => {
    const { stages, total } = forecastRun(requestOf(3.5e9, { machines: 1 }), MEASURED);
    const building = stages.filter(({ command }) => ['ingest-bucket', 'index-bucket'].includes(command));
    const hours = building.reduce((sum, stage) => sum + stage.hours.estimate, 0);
    // 108 hours and 12.9 TB, which must be 2^40 bytes each: docs/scale.md.
    expect(hours).toBeGreaterThan(12);
    expect(hours).toBeLessThan(15);
    expect(total.bytesStored / 2 ** 40 / 12.9).toBeCloseTo(1, 1);
  });

  it('has no requests and no price in a folder', () => {
    const request = requestOf(1e6, { isRemote: false });
    const plan = forecastRun({ ...request, cluster: { ...request.cluster, copiesInputs: false } }, MEASURED);
    expect(plan.total.requests).toBe(0);
    expect(plan.storageDollarsPerMonth).toBeUndefined();
  });

  it('says what a month on S3 costs', () => {
    const { storageDollarsPerMonth, total } = forecastRun(requestOf(1e9), MEASURED);
    expect(storageDollarsPerMonth).toBeCloseTo((total.bytesStored / 1e9) * PRICES.services.s3!.dollarsPerGBMonth, 6);
  });

  it('refuses a machine or a service without a price', () => {
    const request = requestOf(1e6);
    const { dollarsPerHour: _, ...machine } = request.cluster.machine;
    expect(() => forecastRun({ ...request, cluster: { ...request.cluster, machine } }, MEASURED)).toThrow(
      'The prices of 2025-04-01 have none of the machine i4i.8xlarge.',
    );
    const prices = { ...PRICES, services: {} };
    expect(() => forecastRun({ ...request, cluster: { ...request.cluster, prices } }, MEASURED)).toThrow('none of S3');
  });

  it('takes the factors of earlier runs', () => {
    const factors = new Map([['ingest-bucket', { time: 2, cpu: 3, source: 'outcome' as const, from: 'outcome.json' }]]);
    const request = requestOf(1e9);
    const [plain, learned] = [forecastRun(request, MEASURED), forecastRun(request, MEASURED, factors)].map(
      ({ stages }) => stages.find(({ command }) => command === 'ingest-bucket')!,
    );
    expect(learned!.hours.estimate / plain!.hours.estimate).toBeCloseTo(2, 2);
    expect(learned!.cpuHours.estimate / plain!.cpuHours.estimate).toBeCloseTo(3, 6);
  });

  it('searches old buckets together with new ones', () => {
    const request = requestOf(1e6, { queries: 1000 });
    const old = { buckets: 3, rows: 1e6, dimension: 960, vectorType: 'float32' as const };
    const group = { ...old, index: 'ivf-rq' as const, partitions: 1000, dataBytes: 4e9, indexBytes: 1.5e8 };
    const search = (existing: RunRequest['existing']) =>
      workOf({ ...request, existing }, MEASURED).find(({ command }) => command === 'search-bucket')!;
    expect(search([group]).tasks).toBe(4);
    expect(search([]).tasks).toBe(1);
    // Entries that were read stand for others, so that buckets of a group can be a fraction.
    const plan = forecastRun({ ...request, existing: [{ ...group, buckets: 4 / 3 }] }, MEASURED);
    expect(parseRunPlan(JSON.stringify(plan), 'plan')).toEqual(plan);
  });
});

describe('bucket sizes', () => {
  const compared = (goal: Parameters<typeof compareBucketSizes>[1], options = {}) =>
    compareBucketSizes(requestOf(3.5e9, { queries: 1e6, ...options }), goal, MEASURED, NO_FACTORS);

  it('cost less to search and take longer, the larger they are', () => {
    const { choices } = compared({ kind: 'cheapest' });
    expect(choices.length).toBeGreaterThan(5);
    for (const [i, { dollars, searchHours }] of choices.entries()) {
      if (i === 0) continue;
      expect(dollars).toBeLessThanOrEqual(choices[i - 1]!.dollars * 1.001);
      expect(searchHours!).toBeGreaterThan(choices[i - 1]!.searchHours!);
    }
  });

  it('are chosen for the goal, and never beyond the disk', () => {
    const cheapest = compared({ kind: 'cheapest' });
    const of = ({ chosen, choices }: typeof cheapest) => choices.find(({ rows }) => rows === chosen)!;
    expect(cheapest.choices.find(({ rows }) => rows === 800e6)!.problem).toContain('i4i.8xlarge has 7125 GB to use');
    for (const goal of [{ kind: 'fastest' }, { kind: 'hours', limit: 5 }, { kind: 'dollars', limit: 170 }] as const)
      expect(of(compared(goal)).problem).toBeUndefined();
    const limit = of(compared({ kind: 'fastest' })).hours * 1.2;
    expect(of(compared({ kind: 'hours', limit })).hours).toBeLessThanOrEqual(limit);
    expect(of(compared({ kind: 'dollars', limit: 170 })).dollars).toBeLessThanOrEqual(170);
    expect(of(compared({ kind: 'fastest' })).hours).toBeLessThanOrEqual(of(cheapest).hours);
    // Where no size fits the limit, the nearest is shown.
    expect(compared({ kind: 'hours', limit: 0.001 }).chosen).toBe(compared({ kind: 'fastest' }).chosen);
  });
});
