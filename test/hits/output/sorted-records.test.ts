import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedRecords } from '../../../workers/src/hits/output/sorted-records.ts';
import { bytewise, id } from '../../support/hits.ts';
import { temporaryFolder } from '../../support/run.ts';

describe('SortedRecords', () => {
  const limits = fc.record({ records: fc.integer({ min: 1, max: 8 }), bytes: fc.integer({ min: 1, max: 200 }) });

  it('sorts by the bytes of ids, keeps the first record of each, and does not depend on the memory', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(id, { maxLength: 60 }), fc.option(limits, { nil: undefined }), async (ids, some) => {
        const records = new SortedRecords(await temporaryFolder(), some);
        for (const [i, text] of ids.entries()) records.add(Buffer.from(text), i, () => Buffer.from(`${i} ${text}`));
        const expected = [...new Set(ids)].sort(bytewise).map((text) => `${ids.indexOf(text)} ${text}`);
        expect([...records.sorted()].map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps the first record of an id that is not empty, and marks those that differ', async () => {
    const record = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('', '1', '2', '22'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 20 }),
        fc.option(limits, { nil: undefined }),
        async (all, some) => {
          const records = new SortedRecords(await temporaryFolder(), some);
          for (const [text, bytes] of all)
            records.add(Buffer.from(text), bytes.length || undefined, () => Buffer.from(bytes));
          const firstOf = (text: string) => all.find(([other, bytes]) => other === text && bytes !== '')?.[1] ?? '';
          const expected = [...new Set(all.map(([text]) => text))].sort(bytewise).map(firstOf);
          const sorted = [...records.sorted()];
          expect(sorted.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(expected);
          // Their checksum is their length.
          const lengthsOf = (text: string) =>
            new Set(all.filter(([other, bytes]) => other === text && bytes !== '').map(([, { length }]) => length));
          for (const { id, isAmbiguous } of sorted)
            expect(isAmbiguous).toBe(lengthsOf(Buffer.from(id).toString()).size > 1);
        },
      ),
      { numRuns: 60 },
    );
  });
});
