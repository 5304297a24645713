import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnTexts } from '../../workers/src/base/bytes/utf8-column.ts';
import { TargetLists } from '../../workers/src/fetch/target-lists.ts';
import { bytewise, hits, naiveMerge, packedHits } from '../support/hits.ts';
import { temporaryFolder } from '../support/run.ts';

const limits = fc.record({ ids: fc.integer({ min: 1, max: 6 }), rows: fc.integer({ min: 1, max: 9 }) });

describe('TargetLists', () => {
  it('has the targets of each bucket in the order of the neighbours, in groups of any size', async () => {
    await fc.assert(
      fc.asyncProperty(hits, limits, async (some, most) => {
        const neighbours = naiveMerge(some, 10);
        const lists = new TargetLists(await temporaryFolder());
        const half = neighbours.length >> 1;
        for (const part of [neighbours.slice(0, half), neighbours.slice(half)])
          lists.add({ ...packedHits(part), ranks: Int32Array.from(part, ({ rank }) => rank) });
        lists.finish();
        const buckets = [...new Set(neighbours.map(({ bucket }) => bucket))].sort(bytewise);
        expect([...lists.rows.keys()]).toEqual(buckets);
        for (const bucket of buckets) {
          const targets = neighbours.filter((row) => row.bucket === bucket).map(({ target }) => target);
          expect(lists.rows.get(bucket)).toBe(targets.length);
          expect([...lists.read(bucket)].flatMap(columnTexts)).toEqual(targets);
          const grouped: string[] = [];
          for (const { first, numbers, targets: numbered } of lists.groups(bucket, most)) {
            expect(first).toBe(grouped.length);
            expect(numbers.size).toBeLessThanOrEqual(most.ids);
            expect(numbered.length).toBeLessThanOrEqual(most.rows);
            const part = targets.slice(first, first + numbered.length);
            // Equal ids, and no others, have equal numbers.
            const firstOf = part.map((target) => part.indexOf(target));
            expect(Array.from(numbered, (number) => numbered.indexOf(number))).toEqual(firstOf);
            grouped.push(...part);
          }
          expect(grouped).toEqual(targets);
          for (const step of [1, 3]) {
            const positions = [...targets.keys()].filter((position) => position % step === 0);
            const ids = Array.from(lists.idsAt(bucket, positions), (id) => Buffer.from(id).toString());
            expect(ids).toEqual(positions.map((position) => targets[position]));
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});
