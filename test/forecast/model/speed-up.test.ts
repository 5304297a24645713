import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { insertTables } from '../../../bench/support/markdown.ts';
import { type ThreadsResult, threadsTables } from '../../../bench/threads/threads-page.ts';
import {
  divisionOf,
  groupThreads,
  type Parallelism,
  parallelismOf,
  speedUp,
} from '../../../workers/src/forecast/model/speed-up.ts';
import { ROOT } from '../../support/run.ts';

const thread = (name: string, cpuSeconds: number, isMain = false) => ({ name, isMain, cpuSeconds });
const divided = (share: number, evenness: number): Parallelism => ({
  mainShare: share,
  lone: { name: 'main', share },
  pool: { name: 'work', threads: 2, share: 1 - share, evenness },
  uncoveredShare: 0,
});

it('docs/benchmarks.md has the numbers derived from bench/results/threads.json', async () => {
  const result = JSON.parse(await readFile(join(ROOT, 'bench/results/threads.json'), 'utf8')) as ThreadsResult;
  const page = await readFile(join(ROOT, 'docs/benchmarks.md'), 'utf8');
  expect(page, 'node bench/threads.ts --page writes them').toBe(insertTables(page, 'threads', threadsTables(result)));
});

describe('the CPU time of threads', () => {
  it('is grouped by name, without threads that never worked, and apart from the main thread', () => {
    const groups = groupThreads([
      thread('node', 3, true),
      thread('node', 1),
      thread('work', 5),
      thread('work', 4),
      thread('work', 0.001),
      thread('idle', 0),
    ]);
    expect(groups).toEqual([
      { name: 'work', isMain: false, threads: 2, cpuSeconds: 9.001, busiestCpuSeconds: 5 },
      { name: 'node', isMain: true, threads: 1, cpuSeconds: 3, busiestCpuSeconds: 3 },
      { name: 'node', isMain: false, threads: 1, cpuSeconds: 1, busiestCpuSeconds: 1 },
    ]);
  });

  it('has the shares of the main thread, of the busiest lone thread, and of what no sample saw', () => {
    const groups = groupThreads([thread('node', 1, true), thread('read', 2), thread('work', 4), thread('work', 2)]);
    const measured = parallelismOf({ stage: 'ingest', seconds: 5, cpuSeconds: 10, groups });
    expect(measured.mainShare).toBeCloseTo(0.1);
    expect(measured.lone).toEqual({ name: 'read', share: 0.2 });
    expect(measured.pool).toEqual({ name: 'work', threads: 2, share: 0.6, evenness: 0.75 });
    expect(measured.uncoveredShare).toBeCloseTo(0.1);
  });

  it('names the main thread where it is the busiest one', () => {
    const groups = groupThreads([thread('node', 2, true), thread('read', 1)]);
    const measured = parallelismOf({ stage: 'index', seconds: 3, cpuSeconds: 3, groups });
    expect(measured.lone.name).toBe('main');
    expect(measured.pool).toMatchObject({ threads: 0, evenness: 1 });
  });
});

describe('the derived speed-up', () => {
  it('is that of Amdahl', () => {
    expect(speedUp(divided(0, 1), 32)).toBeCloseTo(32);
    expect(speedUp(divided(1, 1), 32)).toBeCloseTo(1);
    expect(speedUp(divided(0.1, 1), 8)).toBeCloseTo(1 / (0.1 + 0.9 / 8));
    expect(speedUp(divided(0, 0.5), 8)).toBeCloseTo(4);
    expect(speedUp(divided(0.1, 0.5), 1)).toBeCloseTo(1);
  });

  it('is between 1 and the cores, and grows with cores and evenness', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const evenness = fc.double({ min: 0.1, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, evenness, fc.integer({ min: 1, max: 64 }), (s, e, cores) => {
        const found = speedUp(divided(s, e), cores);
        expect(found).toBeGreaterThanOrEqual(1 - 1e-9);
        expect(found).toBeLessThanOrEqual(cores + 1e-9);
        expect(speedUp(divided(s, e), cores + 1)).toBeGreaterThanOrEqual(found - 1e-9);
        expect(speedUp(divided(s, 1), cores)).toBeGreaterThanOrEqual(found - 1e-9);
      }),
    );
  });
});

it('the division of a large stage has no start of a process', () => {
  const stage = {
    stage: 's',
    seconds: 1,
    cpuSeconds: 10,
    groups: groupThreads([thread('node', 2, true), thread('work', 4), thread('work', 4)]),
  };
  const start = {
    stage: 'start',
    seconds: 1,
    cpuSeconds: 2,
    groups: groupThreads([thread('node', 1, true), thread('V8', 1)]),
  };
  expect(divisionOf(stage, start)).toEqual({ loneShare: 1 / 8, evenness: 1 });
  expect(divisionOf(start, start).loneShare).toBe(0);
});
