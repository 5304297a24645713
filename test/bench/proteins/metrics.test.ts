import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BestHomologs } from '../../../bench/proteins/labels.ts';
import {
  bestAmongFirst,
  type Labels,
  sameLabel,
  sensitivities,
  shareByBin,
  significantShare,
} from '../../../bench/proteins/metrics.ts';
import type { Rankings } from '../../../bench/proteins/rankings.ts';

const rank = (rankings: Record<string, string>): Rankings =>
  new Map(Object.entries(rankings).map(([query, targets]) => [query, [...targets].map((target) => ({ target }))]));

const best = (targets: string, identity = 0.5, coverage = 1) => ({ targets: [...targets], identity, coverage });

describe('bestAmongFirst', () => {
  const labels: BestHomologs = new Map([
    ['q1', best('a')],
    ['q2', best('bc')],
    ['q3', undefined],
    ['q4', best('d')],
  ]);

  it('counts queries with a homolog alone, and any of the equally good', () => {
    const rankings = rank({ q1: 'xa', q2: 'cb', q3: 'a' });
    expect(bestAmongFirst(rankings, labels, 1)).toBe(1 / 3);
    expect(bestAmongFirst(rankings, labels, 2)).toBe(2 / 3);
  });

  it('never falls with the number of hits, and is the mean over the bins', () => {
    const hits = fc
      .array(fc.constantFrom(...'abcdxyz'), { maxLength: 6 })
      .map((targets) => [...new Set(targets)].join(''));
    fc.assert(
      fc.property(hits, hits, hits, fc.double({ min: 0, max: 1, noNaN: true }), (q1, q2, q4, identity) => {
        const rankings = rank({ q1, q2, q4 });
        const shares = [1, 2, 3, 6].map((count) => bestAmongFirst(rankings, labels, count));
        expect(shares).toEqual([...shares].sort((a, b) => a - b));
        const spreadLabels: BestHomologs = new Map(labels).set('q1', best('a', identity, 1 - identity));
        const bins = shareByBin(rankings, spreadLabels);
        expect(bins.reduce((sum, { queries }) => sum + queries, 0)).toBe(3);
        const weighted = bins.reduce((sum, { queries, first }) => sum + queries * first, 0) / 3;
        expect(weighted).toBeCloseTo(bestAmongFirst(rankings, spreadLabels, 1), 12);
      }),
    );
  });
});

describe('sensitivities', () => {
  const families: Labels = new Map([...'abcd'].map((id) => [id, 'F'] as [string, string]));
  families.set('y', 'G').set('z', 'G');

  it.each([
    ['bcd', 1, 'all members'],
    ['bcxd', 2 / 3, 'background ends it'],
    ['bycd', 1 / 3, 'a member of another family ends it'],
    ['xbcd', 0, 'nothing before the first false one'],
    ['bc', 2 / 3, 'a member that is not reported is not found'],
    ['', 0, 'no hits'],
  ])('%j is %d: %s', (hits, expected) => {
    expect(sensitivities(rank({ a: hits }), families).get('a')).toBeCloseTo(expected, 12);
  });

  it('has every member as a query', () => {
    expect([...sensitivities(new Map(), families).keys()]).toEqual([...families.keys()]);
  });
});

describe('sameLabel', () => {
  const labels = {
    queries: new Map([
      ['q1', 'L'],
      ['q2', 'M'],
      ['q3', 'N'],
    ]),
    targets: new Map([
      ['a', 'L'],
      ['b', 'M'],
    ]),
  };

  it('skips targets without a label, and queries whose label no target has', () => {
    expect(sameLabel(rank({ q1: 'xab', q2: 'xab', q3: 'ab' }), labels)).toBe(1 / 2);
  });

  it('counts a query without labelled hits as wrong', () => {
    expect(sameLabel(rank({ q1: 'x' }), labels)).toBe(0);
  });
});

describe('significantShare', () => {
  const hit = (evalue: number) => ({ target: 't', evalue });

  it('counts queries with any hit of E-value 0.01 or less', () => {
    const rankings: Rankings = new Map([
      ['q1', [hit(5), hit(0.01)]],
      ['q2', [hit(0.011)]],
    ]);
    expect(significantShare(rankings, ['q1', 'q2', 'q3', 'q4'])).toBe(1 / 4);
  });

  it('is 0 where nothing is reported, and undefined without E-values', () => {
    expect(significantShare(new Map(), ['q1'])).toBe(0);
    expect(significantShare(rank({ q1: 'a' }), ['q1'])).toBeUndefined();
  });
});
