import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHitOrderCheck, sortedRows } from '../../workers/src/hits/hit-order.ts';
import { hitColumns, hits, sortedHits } from '../support/hits.ts';

describe('createHitOrderCheck', () => {
  it('tells whether batches are in the order of hits files', () => {
    fc.assert(
      fc.property(hits, fc.integer({ min: 1, max: 4 }), fc.boolean(), (some, size, sort) => {
        const sorted = sortedHits(some);
        const file = sort ? sorted : some;
        const inOrder = createHitOrderCheck();
        let all = true;
        for (let start = 0; start < file.length; start += size)
          all &&= inOrder(hitColumns(file.slice(start, start + size)));
        expect(all).toBe(JSON.stringify(file) === JSON.stringify(sorted));
      }),
    );
  });
});

describe('sortedRows', () => {
  it('sorts', () => {
    fc.assert(
      fc.property(hits, (some) => {
        expect(Array.from(sortedRows(hitColumns(some)), (row) => some[row])).toEqual(sortedHits(some));
      }),
    );
  });
});
