import { describe, expect, it } from 'vitest';
import type { IndexDescription } from '../../../workers/src/database/catalog/catalog-entry.ts';
import { neededParts } from '../../../workers/src/search/plan/needed-parts.ts';
import type { StrategyRequest } from '../../../workers/src/search/plan/strategies.ts';

const index: IndexDescription = { kind: 'ivf-rq', metric: 'cosine', partitions: 50, parameters: {} };
const partitions = { path: 'p.arrow', count: 50, bytes: 1, checksum: '0' };
const bucket = { rows: 3000, index, partitions };

describe('neededParts', () => {
  const needs = (request: Partial<StrategyRequest & { groundTruth: boolean }>, entry: Partial<typeof bucket> = {}) => {
    const asked = { k: 10, search: 'auto' as const, nprobes: undefined, refineFactor: undefined };
    const parts = neededParts(
      { ...asked, targetRecall: undefined, groundTruth: false, ...request },
      { ...bucket, ...entry },
    );
    return Object.entries(parts)
      .filter(([, needed]) => needed)
      .map(([part]) => part)
      .join(' ');
  };

  it.each<[string, Partial<StrategyRequest & { groundTruth: boolean }>, string]>([
    ['exact', { search: 'exact' }, 'vectors'],
    ['scan', { search: 'scan' }, 'vectors partitions'],
    ['ann', { search: 'ann' }, 'vectors index'],
    ['ann without rescoring', { search: 'ann', refineFactor: 0 }, 'index'],
    ['the same, and the ground truth', { search: 'ann', refineFactor: 0, groundTruth: true }, 'vectors index'],
    ['the same, for a recall', { search: 'ann', refineFactor: 0, targetRecall: 0.9 }, 'vectors index'],
    ['the same, with nprobes set', { search: 'ann', refineFactor: 0, targetRecall: 0.9, nprobes: 5 }, 'index'],
    ['the choice of all', {}, 'vectors index partitions'],
    ['a k of all rows', { search: 'ann', k: 3000 }, 'vectors'],
  ])('%s', (_, request, expected) => {
    expect(needs(request)).toBe(expected);
  });

  it('requires no index if the bucket has none', () => {
    expect(needs({}, { index: { ...index, kind: 'none', partitions: 0 } })).toBe('vectors partitions');
    expect(needs({ search: 'ann' }, { index: { ...index, kind: 'none', partitions: 0 } })).toBe('vectors');
  });
});
