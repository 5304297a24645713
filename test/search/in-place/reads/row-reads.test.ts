import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packReads, planRowReads } from '../../../../workers/src/search/in-place/reads/row-reads.ts';

const ROW_IDS = fc
  .uniqueArray(fc.tuple(fc.nat(2), fc.nat(80)), { selector: ([fragment, row]) => 1000 * fragment + row, maxLength: 60 })
  .map((rows) => Float64Array.from(rows, ([fragment, row]) => fragment * 2 ** 32 + row).sort());

describe('planRowReads', () => {
  it('reads every row once, no more than the spare rows besides, and no request is too long', () => {
    fc.assert(
      fc.property(ROW_IDS, fc.integer({ min: 1, max: 20 }), fc.nat(40), (rowIds, mostRows, spareRows) => {
        const reads = planRowReads(rowIds, mostRows, spareRows, 30);
        const scored = reads.flatMap(({ fragment, runs }) =>
          runs.flatMap(({ first, rows, at }) =>
            Array.from({ length: rows }, (_, i) => [at + i, fragment * 2 ** 32 + first + i]),
          ),
        );
        expect(scored).toEqual([...rowIds].map((row, at) => [at, row]));
        for (const { first, rows, runs } of reads) {
          expect(rows).toBeLessThanOrEqual(mostRows);
          expect(runs[0]!.first).toBe(first);
          expect(runs.at(-1)!.first + runs.at(-1)!.rows).toBe(first + rows);
        }
        const read = reads.reduce((sum, { rows }) => sum + rows, 0);
        expect(read).toBeLessThanOrEqual(rowIds.length + spareRows);
        const packs = packReads(reads, mostRows);
        expect(packs.flat()).toEqual(reads);
        for (const pack of packs) expect(pack.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThanOrEqual(mostRows);
      }),
    );
  });

  it('joins runs over short gaps, as long as rows may be read besides', () => {
    const reads = planRowReads(Float64Array.of(0, 5, 7, 8, 20, 24, 40), 100, 20, 4);
    expect(reads.map(({ first, rows }) => [first, rows])).toEqual([
      [0, 9],
      [20, 5],
      [40, 1],
    ]);
    // The shortest gaps first.
    expect(planRowReads(Float64Array.of(0, 5, 7), 100, 3, 9).map(({ first, rows }) => [first, rows])).toEqual([
      [0, 1],
      [5, 3],
    ]);
  });
});
