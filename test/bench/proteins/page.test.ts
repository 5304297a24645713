import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { proteinTables } from '../../../bench/proteins/page.ts';
import type { ProteinsResult } from '../../../bench/proteins/result.ts';
import { insertTables } from '../../../bench/support/markdown.ts';
import { ROOT } from '../../support/run.ts';

const result = JSON.parse(await readFile(join(ROOT, 'bench/results/proteins.json'), 'utf8')) as ProteinsResult;

it.each(Object.entries(proteinTables(result)))(
  'docs/%s has the numbers of bench/results/proteins.json',
  async (name, tables) => {
    const page = await readFile(join(ROOT, 'docs', name), 'utf8');
    expect(page, 'node bench/proteins.ts --page writes them').toBe(insertTables(page, 'proteins', tables));
  },
);

it('the saved tasks have every system', () => {
  const systems = Object.values(result).map(({ rows }) => rows.map((row: { system: string }) => row.system));
  for (const names of systems) expect(names).toEqual(systems[0]);
  expect(systems[0]).toEqual(expect.arrayContaining(['LanceFlow kmer', 'MMseqs2 -s 7.5', 'DIAMOND --ultra-sensitive']));
});
