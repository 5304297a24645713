import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type ProteinsResult, proteinsTables } from '../../bench/proteins/distances-page.ts';
import { insertTables } from '../../bench/support/markdown.ts';
import { ROOT } from '../support/run.ts';

it('docs/tutorial.md has the numbers of bench/results/proteins.json', async () => {
  const result = JSON.parse(await readFile(join(ROOT, 'bench/results/proteins.json'), 'utf8')) as ProteinsResult;
  const page = await readFile(join(ROOT, 'docs/tutorial.md'), 'utf8');
  expect(page, 'node bench/proteins.ts --page writes them').toBe(
    insertTables(page, 'proteins', proteinsTables(result)),
  );
});
