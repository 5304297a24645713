import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { costTables } from '../../bench/in-place/cost-page.ts';
import { type MeasuredQuestion, questionCost, questionsForCampaign } from '../../bench/in-place/question-cost.ts';
import { I4I } from '../../bench/scale/machine.ts';
import { ROOT } from '../support/run.ts';

const MEASURED: MeasuredQuestion = {
  ...{ k: 10, queries: 1, rows: 200_000, dimension: 960, nprobes: 20, refineFactor: 10, cores: 2 },
  ...{ indexBytes: 8e6, startMs: 350, coldMs: 230, coldReads: { requests: 120, bytes: 8.4e6 } },
};
const DATABASE = { rows: 3.5e9, bucketRows: 200e6, memoryMb: 3538 };

test('the cost of the measured bucket is what was measured', () => {
  const { bytes, requests, seconds } = questionCost(MEASURED, { ...DATABASE, bucketRows: 200_000 });
  expect(bytes).toBeCloseTo(8.384e6, -3);
  expect(requests).toBe(120);
  expect(seconds).toBeCloseTo(0.35 + 0.23, 2);
});

test('a question costs more with a larger k, with more buckets, and in seconds with less memory', () => {
  const cost = (question: Partial<MeasuredQuestion>, database: Partial<typeof DATABASE> = {}) =>
    questionCost({ ...MEASURED, ...question }, { ...DATABASE, ...database });
  expect(cost({ k: 1000 }).bytes).toBeGreaterThan(cost({}).bytes);
  expect(cost({}, { bucketRows: 50e6 }).dollars).toBeGreaterThan(cost({}).dollars);
  expect(cost({}, { memoryMb: 1769 }).seconds).toBeGreaterThan(cost({}).seconds);
  // Four times the rows have twice the partitions, of twice the rows.
  expect(cost({ k: 1 }, { bucketRows: 800e6 }).bytes / cost({ k: 1 }).bytes).toBeCloseTo(2, 1);
});

test('a campaign pays for fetching all tables', () => {
  // 3.5e9 x 4 kB at 2 GB/s: 7,000 s of the machine.
  expect(questionsForCampaign(0.01, 3.5e9, 4000, I4I)).toBe(Math.ceil(((7000 / 3600) * 2.746) / 0.01));
});

test('docs/in-place.md has the table of bench/results/ask.json', async () => {
  const read = async (name: string) => JSON.parse(await readFile(join(ROOT, 'bench/results', `${name}.json`), 'utf8'));
  const { cost } = costTables(await read('ask'), (await read('scale')).bytesPerVector['ivf-rq']);
  expect(await readFile(join(ROOT, 'docs/in-place.md'), 'utf8')).toContain(cost);
});
