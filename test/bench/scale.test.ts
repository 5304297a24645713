import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Assignment,
  assignCpuSeconds,
  cpuSecondsOf,
  estimateBucket,
  fitGrowth,
  type Machine,
  type Measurements,
  parallelShare,
} from '../../bench/scale/model.ts';
import { insertTables, type ScaleResult } from '../../bench/scale/page.ts';
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

it('docs/scale.md has the numbers derived from bench/results/scale.json', async () => {
  const result = JSON.parse(await readFile(join(ROOT, 'bench/results/scale.json'), 'utf8')) as ScaleResult;
  const page = await readFile(join(ROOT, 'docs/scale.md'), 'utf8');
  expect(page, 'node bench/scale.ts --page writes them').toBe(insertTables(page, result));
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

  it('adds computing, or the disk where it is slower, and the transfers', () => {
    const machine: Machine = {
      name: 'm',
      cores: 10,
      dollarsPerHour: 1,
      diskBytesPerSecond: 1e9,
      networkBytesPerSecond: 1e9,
    };
    // 0.1 ms a row on one core, half of the work parallel; assignment 1e-9 s a row and centroid.
    const points = [1e6, 2e6, 4e6].map((n) => at(n, 1e-4 * n + 1e-9 * n ** 1.5, 0.75 * (1e-4 * n + 1e-9 * n ** 1.5)));
    const measured: Measurements = {
      dimension: 100,
      cores: 2,
      steps: { ingest: points },
      assignment: assignmentOf([100, 1000], (partitions) => 1e-9 * partitions),
      bytesPerVector: {},
    };
    const rows = 1e8;
    const estimate = estimateBucket(measured, machine, rows, ['ingest'], 500);
    expect(estimate.cpuHours.ingest! * 3600).toBeCloseTo(1e4 + 1e3, 3);
    expect(estimate.partitioningCpuHours * 3600).toBeCloseTo(1e3, 6);
    expect(estimate.transferHours * 3600).toBeCloseTo((rows * 900) / 1e9, 6);
    expect(estimate.hours * 3600).toBeCloseTo(1e4 * (0.5 + 0.05) + 100 + 90, 3);
    // Without computing, the disk decides: four passes of 160 GB at 1e9 bytes a second.
    const steps = { ingest: points.map(({ rows: n }) => at(n, n * 1e-9)) };
    const quick = { ...measured, steps, assignment: assignmentOf([100, 1000], () => 1e-12) };
    expect(estimateBucket(quick, machine, rows, ['ingest'], 500).hours * 3600).toBeCloseTo(160 + 90, 1);
  });
});
