import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeletedRows } from '../../workers/src/bucket/deleted-rows.ts';

const FRAGMENT = 2 ** 32;
const sizes = fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 4 });

async function* batchesOf(rowIds: readonly number[]): AsyncGenerator<Float64Array> {
  const middle = Math.floor(rowIds.length / 2);
  yield Float64Array.from(rowIds.slice(0, middle));
  yield Float64Array.from(rowIds.slice(middle));
}

describe('DeletedRows.allBut', () => {
  it('has all rows but the given ones, and leaves spans that hold all of these', async () => {
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.infiniteStream(fc.integer({ min: 0, max: 9 })),
        fc.integer({ min: 0, max: 100 }),
        async (rows, chance, longest) => {
          const fragments = rows.map((count) => ({ rows: count }));
          const ids = rows.flatMap((count, fragment) =>
            Array.from({ length: count }, (_, row) => fragment * FRAGMENT + row),
          );
          const chosen = ids.map(() => chance.next().value! === 0);
          const { skipped, rows: count } = await DeletedRows.allBut(
            fragments,
            batchesOf(ids.filter((_, i) => chosen[i])),
          );
          expect(count).toBe(chosen.filter(Boolean).length);
          expect(ids.map((id) => skipped.has(id))).toEqual(chosen.map((is) => !is));
          const half = Math.floor(ids.length / 2);
          const all = [
            { first: 0, end: half, name: 'a' },
            { first: half, end: ids.length, name: 'b' },
          ];
          const spans = [...skipped.withoutStretches(all, longest)];
          for (const [i, is] of chosen.entries()) {
            const holding = spans.filter(({ first, end }) => i >= first && i < end);
            expect(holding.length).toBeLessThanOrEqual(1);
            if (is) expect(holding.map(({ name }) => name)).toEqual([i < half ? 'a' : 'b']);
          }
          for (const { first, end } of spans)
            for (let run = 0, i = first; i < end; i++) {
              run = chosen[i] ? 0 : run + 1;
              // A span begins and ends with a word of the set.
              expect(run).toBeLessThanOrEqual(longest + 62);
            }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('refuses a row that is in no fragment', async () => {
    await expect(DeletedRows.allBut([{ rows: 5 }], batchesOf([4, 5]))).rejects.toThrow(RangeError);
  });
});
