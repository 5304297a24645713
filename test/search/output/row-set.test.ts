import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allocateRowBits } from '../../../workers/src/bucket/row-bits.ts';
import { RowSet } from '../../../workers/src/search/output/row-set.ts';

test('a set returns its rows in ascending order, and the place of each', () => {
  const fragments = fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fragments, fc.array(fc.nat(1000), { maxLength: 60 }), (sizes, picks) => {
      const all = sizes.flatMap((rows, fragment) =>
        Array.from({ length: rows }, (_, offset) => fragment * 2 ** 32 + offset),
      );
      const memory = allocateRowBits(sizes.map((rows) => ({ rows })));
      const set = new RowSet(memory);
      const check = (rowIds: number[]) => {
        for (const row of rowIds) set.add(row);
        const unique = [...new Set(rowIds)].sort((a, b) => a - b);
        expect([...set.index()]).toEqual(unique);
        expect(set.size).toBe(unique.length);
        // Another thread reads the same set.
        const other = new RowSet(memory);
        expect(unique.map((row) => other.place(row))).toEqual(unique.map((_, place) => place));
      };
      check(picks.map((pick) => all[pick % all.length]!));
      set.clear();
      check(all);
    }),
  );
});
