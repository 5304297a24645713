import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { comparisonChart, histogramChart, rankChart } from '../../workers/src/report/charts.ts';
import { createHistogram } from '../../workers/src/report/histogram.ts';
import { scanRanks } from '../../workers/src/report/rank-quantiles.ts';
import { joinBackgrounds } from '../../workers/src/report/significance/background.ts';

const parse = (markup: string) => parseHTML(`<html><body>${markup}</body></html>`).document;
const texts = (document: ReturnType<typeof parse>, part: string) =>
  [...document.querySelectorAll(`[aria-label="${part}"] text`)].map(({ textContent }) => textContent);

describe('histogramChart', () => {
  const draw = (values: readonly number[], range: [number, number]) => {
    const histogram = createHistogram();
    for (const value of values) histogram.add(value);
    return parse(histogramChart(histogram, range, 'Histogram').markup);
  };

  it('has titles and round numbers at both axes', () => {
    const document = draw([0.1, 0.2, 0.2, 0.4], [0, 1]);
    expect(texts(document, 'x-axis label')).toEqual(['Distance']);
    expect(texts(document, 'y-axis label')).toEqual(['Queries']);
    expect(texts(document, 'x-axis tick label')).toEqual(['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']);
    // There is no half query.
    expect(texts(document, 'y-axis tick label').filter(Boolean)).toEqual(['0', '1', '2']);
  });

  it('has a bar for each bin, which shows its count, and the same axis for the same range', () => {
    const first = draw([0.1, 0.2, 0.2, 0.4], [0, 1]);
    const titles = [...first.querySelectorAll('rect title')].map(({ textContent }) => textContent);
    expect(titles.filter((title) => !title!.endsWith(': 0 queries'))).toEqual([
      '0.09375 to 0.125: 1 query',
      '0.1875 to 0.2188: 2 queries',
      '0.375 to 0.4063: 1 query',
    ]);
    const axis = (document: typeof first) => document.querySelector('[aria-label="x-axis tick label"]')!.outerHTML;
    expect(axis(draw([0.9], [0, 1]))).toBe(axis(first));
  });
});

it('comparisonChart shows shares of the nearest neighbours and of unrelated pairs on the same axes', () => {
  const nearest = createHistogram();
  for (const value of [0.1, 0.1, 0.6, 0.8]) nearest.add(value);
  const background = joinBackgrounds([{ rows: 9, background: { from: 0.5, to: 1, counts: [1, 3] } }])!;
  const document = parse(comparisonChart(['nearest', nearest], background, [0, 1], 'Nearest and unrelated').markup);
  expect(document.querySelector('svg')!.getAttribute('aria-label')).toBe('Nearest and unrelated');
  expect(texts(document, 'x-axis label')).toEqual(['Distance']);
  expect(texts(document, 'y-axis label')).toEqual(['Share (%)']);
  const tips = [...document.querySelectorAll('rect title')].map(({ textContent }) => textContent!);
  const shares = tips.map((tip) => Array.from(tip.matchAll(/([\d.]+)%/g), ([, share]) => Number(share)));
  expect(shares.reduce((sum, [found]) => sum + found!, 0)).toBeCloseTo(100);
  // Shares are rounded to a tenth of a percent.
  expect(Math.abs(shares.reduce((sum, [, unrelated]) => sum + unrelated!, 0) - 100)).toBeLessThan(2);
  expect(tips[3]).toBe('0.09375 to 0.125: 50.0% of the nearest neighbours, 0% of the unrelated pairs');
  expect(document.querySelectorAll('g[aria-label="line"] path')).toHaveLength(1);
});

describe('rankChart', () => {
  it.each([5, 1000])('shows ranks to %d', (most) => {
    const scan = scanRanks();
    for (let rank = 1; rank <= most; rank++) for (const query of [0, 1, 2]) scan.add(rank, (rank + query) / most);
    const document = parse(rankChart(scan.quantiles(), 'Ranks').markup);
    expect(texts(document, 'x-axis label')).toEqual(['Rank']);
    const ranks = texts(document, 'x-axis tick label').filter(Boolean);
    expect(ranks[0]).toBe('1');
    expect(ranks.every((rank) => /^[\d,]+$/.test(rank!))).toBe(true);
    expect(document.querySelectorAll('title').length).toBe(scan.quantiles().length);
  });
});
