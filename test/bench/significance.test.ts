import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { significanceTables } from '../../bench/significance/page.ts';
import type { SignificanceResult } from '../../bench/significance/result.ts';
import { insertTables } from '../../bench/support/markdown.ts';
import { ROOT } from '../support/run.ts';

const result = JSON.parse(await readFile(join(ROOT, 'bench/results/significance.json'), 'utf8')) as SignificanceResult;

it('docs/output.md has the numbers of bench/results/significance.json', async () => {
  const page = await readFile(join(ROOT, 'docs/output.md'), 'utf8');
  const expected = insertTables(page, 'significance', significanceTables(result));
  expect(page, 'node bench/significance.ts --page writes them').toBe(expected);
});

it.each(Object.entries(result))(
  '%s was honest: at most 1.5% of the queries without relatives have a hit',
  (_, model) => {
    for (const { share } of Object.values(model.strangers)) expect(share).toBeLessThanOrEqual(0.015);
    // Half of it at most goes into measuring.
    expect(model.cpuSeconds.nullDistances).toBeLessThan(model.cpuSeconds.build / 2);
  },
);
