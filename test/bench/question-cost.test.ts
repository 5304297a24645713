import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { latencyTable } from '../../bench/ask/latency-page.ts';
import { costTables, measuredBucket } from '../../bench/in-place/cost-page.ts';
import {
  fitTimes,
  type MeasuredBucket,
  type MeasuredQuestion,
  questionCost,
  questionReads,
  questionsForCampaign,
} from '../../bench/in-place/question-cost.ts';
import { I4I } from '../../workers/src/forecast/machines/price-table.ts';
import { AWS_PRICES } from '../../workers/src/search/in-place/output/aws-prices.ts';
import { ROOT } from '../support/run.ts';

const read = async (name: string) => JSON.parse(await readFile(join(ROOT, 'bench/results', `${name}.json`), 'utf8'));

const question = (k: number, queries: number, megabytes: number, requests: number): MeasuredQuestion => ({
  ...{ k, queries },
  // 100 ms, 10 ms a megabyte, 0.1 ms a request.
  coldMs: 100 + 10 * megabytes + 0.1 * requests,
  coldReads: { requests, bytes: megabytes * 1e6 },
});
const MEASURED: MeasuredBucket = {
  ...{ rows: 200_000, dimension: 960, componentBytes: 4, nprobes: 20, refineFactor: 10, cores: 2, startMs: 350 },
  questions: [
    question(10, 1, 9, 120),
    question(1000, 1, 36, 160),
    question(50_000, 1, 200, 600),
    question(5, 100, 140, 4300),
  ],
};
const DATABASE = { rows: 3.5e9, bucketRows: 200e6, memoryMb: 3008, diskMb: 4096 };

describe('the cost of a question', () => {
  test('is fitted to what was measured, whatever took the time', () => {
    const { fixed, byte, request } = fitTimes(MEASURED.questions);
    expect([fixed, byte * 1e6, request]).toEqual([100, 10, 0.1].map((value) => expect.closeTo(value, 6)));
    // No term is negative: a question that reads more is not quicker.
    const odd = fitTimes([question(10, 1, 9, 120), { ...question(1000, 1, 36, 160), coldMs: 50 }]);
    expect(Object.values(odd).every((value) => value >= 0)).toBe(true);
  });

  test('reads of the measured bucket are those that were measured', () => {
    const { bytes, requests } = questionReads(MEASURED, 10, 1, 200_000);
    expect(bytes).toBeCloseTo(9e6, -4);
    expect(requests).toBeCloseTo(120, 0);
  });

  test('grows with k, the number of buckets, and of queries; in seconds with less memory', async () => {
    for (const bucket of [MEASURED, measuredBucket(await read('ask'))])
      for (const bucketRows of [50e6, 200e6, 400e6]) {
        const costs = bucket.questions
          .filter(({ queries }) => queries === 1)
          .sort((a, b) => a.k - b.k)
          .map((one) => questionCost(bucket, one, { ...DATABASE, bucketRows }));
        expect(costs.length).toBeGreaterThan(2);
        for (const key of ['bytes', 'requests', 'seconds'] as const) {
          const values = costs.map((cost) => cost[key]);
          expect(values, key).toEqual(values.toSorted((a, b) => a - b));
        }
        const dollars = costs.map((cost) => cost.dollars.total);
        expect(new Set(dollars).size).toBe(costs.length);
        expect(dollars).toEqual(dollars.toSorted((a, b) => a - b));
      }
    const one = (database: Partial<typeof DATABASE>) =>
      questionCost(MEASURED, { k: 10, queries: 1 }, { ...DATABASE, ...database });
    expect(one({ bucketRows: 50e6 }).dollars.total).toBeGreaterThan(one({}).dollars.total);
    expect(one({ memoryMb: 1769 }).seconds).toBeGreaterThan(one({}).seconds);
    expect(one({ diskMb: 10_240 }).dollars.lambda).toBeGreaterThan(one({}).dollars.lambda);
  });

  test('includes what runs once: functions, objects and states besides the searches', () => {
    const { dollars, buckets } = questionCost(MEASURED, { k: 10, queries: 1 }, { ...DATABASE, rows: 1, bucketRows: 1 });
    expect(buckets).toBe(1);
    // Six states and one search; the part, and queries, plan, CSV, Parquet and result.
    expect(dollars.stepFunctions).toBeCloseTo(7 * AWS_PRICES.transition, 12);
    expect(dollars.s3).toBeGreaterThan(6 * AWS_PRICES.s3Write);
    expect(dollars.lambda).toBeGreaterThan(4 * AWS_PRICES.lambdaCall);
    expect(dollars.total).toBeCloseTo(dollars.lambda + dollars.s3 + dollars.stepFunctions, 12);
  });

  test('a campaign pays for fetching all tables', () => {
    // 3.5e9 x 4 kB at 2 GB/s: 7,000 s of the machine.
    expect(questionsForCampaign(0.01, 3.5e9, 4000, I4I)).toBe(Math.ceil(((7000 / 3600) * 2.746) / 0.01));
  });

  test.each([
    ['float32', 'ask'],
    ['float16', 'ask-float16'],
  ])('docs/in-place.md has the latencies of %s', async (_, name) => {
    const table = latencyTable(await read(name));
    expect(await readFile(join(ROOT, 'docs/in-place.md'), 'utf8')).toContain(table);
  });

  test('docs/in-place.md has the table of bench/results/ask.json', async () => {
    const { cost } = costTables(await read('ask'), (await read('scale')).bytesPerVector['ivf-rq']);
    expect(await readFile(join(ROOT, 'docs/in-place.md'), 'utf8')).toContain(cost);
  });
});
