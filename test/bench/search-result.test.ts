import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { searchPage, searchPlot } from '../../bench/search/page.ts';
import { joinPieces, type Saved, summarize } from '../../bench/search/result.ts';
import type { Measured } from '../../bench/search/systems.ts';
import { missingPython, python, temporaryFolder } from '../support/run.ts';

const SHAPE = { rows: 1000, dimension: 10, index: 'ivf-rq' };
const row = (system: string, queriesPerSecond: number, more: Partial<Measured> = {}): Measured => ({
  ...{ system, queries: 100, k: 10, nprobes: 5, recall: 0.9, peakMemoryBytes: 1e8, queriesPerSecond },
  ...more,
});
const saved = (rows: Measured[], machine = 'here'): Saved => ({
  ...{ commands: [`bench ${rows.map(({ system }) => system).join()}`], machine, node: 'v24.1.0', date: '2026-01-01' },
  ...summarize(SHAPE, rows, [1e8, 3e8, 2e8]),
});
const STRATEGIES = [
  row('LanceFlow exact', 50, { nprobes: 0, recall: 1 }),
  row('LanceFlow scan', 400),
  row('LanceFlow ann', 200, { recall: 0.8 }),
];
const AUTO = row('LanceFlow auto', 320, { mode: 'scan', expectedSeconds: 0.25 });

describe('the result of the search benchmark', () => {
  it('has the median of the rounds, and the share of GEMM where all rows are compared', () => {
    const rounds = [70, 10, 50].map((rate) => row('FAISS Flat', rate, { nprobes: 0, peakMemoryBytes: rate }));
    const [line] = summarize(SHAPE, rounds, [1e8, 3e8, 2e8]).lines;
    expect(line).toMatchObject({ queriesPerSecond: { min: 10, median: 50, max: 70 }, peakMemoryBytes: 70 });
    expect(line!.gemmShare).toBeCloseTo((2 * 1000 * 10 * 50) / 2e8);
  });

  it('compares auto with the quickest of all three strategies, also across pieces', () => {
    const alone = saved([AUTO]);
    expect(alone.lines[0]).toMatchObject({ mode: 'scan', expectedSeconds: 0.25, seconds: 100 / 320 });
    expect(alone.lines[0]!.timesTheBest).toBeUndefined();
    const joined = joinPieces(alone, saved(STRATEGIES));
    expect(joined.lines.map(({ system }) => system.slice(10))).toEqual(['ann', 'auto', 'exact', 'scan']);
    expect(joined.lines[1]!.timesTheBest).toBeCloseTo(400 / 320);
    expect(joined.commands).toHaveLength(2);
  });

  it('replaces repeated measurements, and everything where the data or the machine differ', () => {
    const first = saved(STRATEGIES);
    const again = joinPieces(first, saved([row('LanceFlow scan', 500)]));
    expect(again.lines).toHaveLength(3);
    expect(again.lines.find(({ system }) => system === 'LanceFlow scan')!.queriesPerSecond.median).toBe(500);
    const elsewhere = saved([AUTO], 'there');
    expect(joinPieces(first, elsewhere)).toEqual(elsewhere);
    expect(joinPieces(undefined, first)).toEqual(first);
  });
});

test('the page has a table of every measurement', () => {
  const page = searchPage(saved([...STRATEGIES, AUTO, row('LanceDB in flight', 30, { queries: 50 })]));
  expect(page).toContain('## 100 queries, k = 10');
  expect(page.match(/^\| Lance/gm)).toHaveLength(5);
  expect(page).toContain('| LanceFlow exact | all | 1.0000 | 50 | 50 to 50 | 100 MB | 1% |  |');
  expect(page).toContain('chose `scan`, estimated 0.3 s, took 0.3 s; 1.25 times the time of the quickest');
  expect(page).toContain('![Queries a second against recall](search-benchmark.svg)');
});

const SHAPES = `
import json, sys
from xml.etree import ElementTree
svg = ElementTree.parse(sys.argv[1]).getroot()
name = lambda tag: '{http://www.w3.org/2000/svg}' + tag
width, height = (float(svg.get(side)) for side in ('width', 'height'))
circles = [(float(c.get('cx')), float(c.get('cy'))) for c in svg.iter(name('circle'))]
print(json.dumps([len(circles), len(list(svg.iter(name('polyline')))), all(0 < x < width and 0 < y < height for x, y in circles)]))`;

test.skipIf(missingPython())('the plot is XML with a point for each measurement', async () => {
  const folder = await temporaryFolder();
  const many = [
    ...STRATEGIES,
    AUTO,
    row('LanceFlow scan', 300, { nprobes: 20, recall: 0.99 }),
    row('FAISS Flat', 9e4, { k: 100 }),
  ];
  await writeFile(join(folder, 'a.svg'), searchPlot(saved(many)));
  // Six points and five systems in the legend; a curve for each system of a panel.
  expect(await python(SHAPES, join(folder, 'a.svg'))).toEqual([11, 5, true]);
});
