import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  defaultNprobes,
  possibleStrategies,
  SEARCH_MODES,
  type StrategyRequest,
} from '../../../workers/src/search/plan/strategies.ts';

const partitions = { path: 'p', count: 100, bytes: 1, checksum: '0' };
const index = { kind: 'ivf-pq' as const, metric: 'cosine' as const, partitions: 100, parameters: {} };
const none = { ...index, kind: 'none' as const, partitions: 0 };
const asked: StrategyRequest = {
  k: 10,
  search: 'auto',
  nprobes: undefined,
  refineFactor: undefined,
  targetRecall: undefined,
};

describe('possibleStrategies', () => {
  it('returns the requested strategy if the bucket supports it', () => {
    for (const search of ['ann', 'scan', 'exact'] as const)
      expect(possibleStrategies({ ...asked, search }, { rows: 1000, index, partitions })).toEqual({
        strategies: [search],
        notes: [],
      });
    expect(possibleStrategies(asked, { rows: 1000, index, partitions }).strategies).toEqual(['exact', 'scan', 'ann']);
  });

  it('reads everything if no other strategy can answer, with a note unless the strategy is auto', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SEARCH_MODES),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 40 }),
        (search, indexed, ordered, k) => {
          const bucket = { rows: 20, index: indexed ? index : none, ...(ordered ? { partitions } : {}) };
          const { strategies, notes } = possibleStrategies({ ...asked, search, k }, bucket);
          expect(strategies.length).toBeGreaterThan(0);
          if (strategies.includes('ann')) expect(indexed && k < 20).toBe(true);
          if (strategies.includes('scan')) expect(ordered && k < 20).toBe(true);
          const changed = search !== 'auto' && !strategies.includes(search);
          expect(notes.length).toBe(changed ? 1 : 0);
          if (changed) expect(strategies).toEqual(['exact']);
        },
      ),
    );
  });

  it('probes 5%, at least 20, at most all', () => {
    expect([0, 1, 10, 100, 1000, 14_142].map(defaultNprobes)).toEqual([1, 1, 10, 20, 50, 708]);
  });
});
