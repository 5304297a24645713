import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseTrace } from '../../bench/plan/compare.ts';
import { type PlanResult, planTables } from '../../bench/plan/plan-page.ts';
import { insertTables } from '../../bench/support/markdown.ts';
import { ROOT } from '../support/run.ts';

it('docs/planning.md has the saved plans and outcomes', async () => {
  const page = await readFile(join(ROOT, 'docs/planning.md'), 'utf8');
  expect(page, 'node bench/plan.ts --page writes them').toBe(insertTables(page, 'plan', await planTables()));
});

it('saved plans are within 1.3 times the time of each run, and 1.1 times its bytes', async () => {
  const { runs }: PlanResult = JSON.parse(await readFile(join(ROOT, 'bench/results/plan.json'), 'utf8'));
  expect(runs).toHaveLength(5);
  for (const { name, total } of runs) {
    expect(Math.abs(Math.log(total.seconds.ratio)), name).toBeLessThan(Math.log(1.3));
    expect(Math.abs(Math.log(total.bytes.ratio)), name).toBeLessThan(Math.log(1.1));
  }
});

it('a trace of Nextflow has the tasks with their times', () => {
  const trace =
    'name\tsubmit\tduration\n' +
    'BUILD:EMBED:EMBED_SEQUENCES (a.fasta)\t2026-11-30 00:00:01.500\t1m 2s\n' +
    'BUILD:PACK_BUCKETS\t2026-11-30 00:01:04.000\t627ms\n';
  expect(parseTrace(trace).map(({ command, startMs, endMs }) => [command, endMs - startMs])).toEqual([
    ['embed-sequences', 62_000],
    ['pack-buckets', 627],
  ]);
});
