import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readInputs } from '../../bench/scale/inputs.ts';
import { scaleTables } from '../../bench/scale/page.ts';
import { insertTables } from '../../bench/support/markdown.ts';
import {
  type Assignment,
  assignCpuSeconds,
  cpuSecondsOf,
  fitGrowth,
  parallelShare,
} from '../../workers/src/forecast/model/growth.ts';
import { ROOT } from '../support/run.ts';

const at = (rows: number, cpuSeconds: number, seconds = cpuSeconds) => ({ rows, cpuSeconds, seconds });

function assignmentOf(partitions: readonly number[], cost: (partitions: number) => number): Assignment[] {
  return partitions.map((count) => ({
    kind: 'clustered',
    partitions: count,
    plan: 'all',
    cpuSeconds: cost(count),
    cpuSecondsOfAll: cost(count),
    agreement: 1,
  }));
}

it('docs/scale.md has the numbers derived from bench/results/', async () => {
  const page = await readFile(join(ROOT, 'docs/scale.md'), 'utf8');
  expect(page, 'node bench/scale.ts --page writes them').toBe(
    insertTables(page, 'scale', scaleTables(await readInputs())),
  );
});

describe('the arithmetic of docs/scale.md', () => {
  it('recovers the growth that generated the measurements', () => {
    const coefficient = fc.double({ min: 0, max: 2, noNaN: true });
    fc.assert(
      fc.property(coefficient, coefficient, coefficient, (a, b, c) => {
        const [fixed, perRow, perRowRoot] = [0.1 + a, b * 1e-4, c * 1e-7];
        const points = [50_000, 100_000, 200_000].map((n) => at(n, fixed + perRow * n + perRowRoot * n ** 1.5));
        for (const growth of [fitGrowth(points), fitGrowth(points, (n) => perRowRoot * n ** 1.5)])
          for (const { rows, cpuSeconds } of [...points, at(1e6, fixed + perRow * 1e6 + perRowRoot * 1e9)]) {
            expect(cpuSecondsOf(growth, rows) / cpuSeconds).toBeCloseTo(1, 3);
          }
      }),
    );
  });

  it('has no negative terms, whatever the noise', () => {
    const noisy = fc.tuple(...[1, 2, 4].map((n) => fc.double({ min: n / 2, max: n * 2, noNaN: true })));
    fc.assert(
      fc.property(noisy, (values) => {
        const growth = fitGrowth(values.map((cpu, i) => at(50_000 * 2 ** i, cpu!)));
        for (const term of [growth.fixed, growth.perRow, growth.perRowRoot]) expect(term).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('takes the cost of assignment from the measured numbers of partitions, and powers between them', () => {
    const measured = assignmentOf(
      [100, 1000, 10_000],
      (partitions) => 1e-6 * partitions ** (partitions > 1000 ? 0.5 : 1),
    );
    const [first, middle, last] = measured.map(({ cpuSeconds }) => cpuSeconds);
    expect(assignCpuSeconds(measured, 1e6)).toBeCloseTo(1e6 * middle!, 6);
    expect(assignCpuSeconds(measured, 1e4)).toBeCloseTo(1e4 * first!, 6);
    expect(assignCpuSeconds(measured, 1e5)).toBeCloseTo(1e5 * 1e-6 * Math.sqrt(1e5), 6);
    expect(assignCpuSeconds(measured, 1e7)).toBeCloseTo(1e7 * Math.sqrt(middle! * last!), 3);
    expect(assignCpuSeconds(measured, 100)).toBeCloseTo(100 * first!, 9);
    const beyond = assignCpuSeconds(measured, 1e9) / 1e9;
    expect(beyond / last!).toBeCloseTo(Math.sqrt(last! / middle!), 6);
  });

  it('derives the parallel share of a step from two cores', () => {
    expect(parallelShare(at(1, 10, 10), 2)).toBe(0);
    expect(parallelShare(at(1, 10, 5), 2)).toBe(1);
    expect(parallelShare(at(1, 10, 7.5), 2)).toBeCloseTo(0.5);
    expect(parallelShare(at(1, 10, 20), 2)).toBe(0);
  });
});
