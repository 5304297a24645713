import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnFrom } from '../../workers/src/base/bytes/utf8-column.ts';
import { withDuplicateIds } from '../../workers/src/ids/duplicate-ids.ts';
import type { Duplicate } from '../../workers/src/ids/id-table.ts';
import { temporaryFolder } from '../support/run.ts';

/** Finds a duplicate with at most `maxEntries` ids in memory; the ids come in batches of three, from two inputs. */
async function findIn(folder: string, ids: string[], maxEntries: number): Promise<Duplicate | undefined> {
  const middle = ids.length >> 1;
  const halves = [ids.slice(0, middle), ids.slice(middle)];
  return withDuplicateIds(
    join(folder, 'shard.h5'),
    async (seen) => {
      for (const [source, half] of halves.entries()) {
        for (let row = 0; row < half.length; row += 3) {
          const found = seen.add(columnFrom(half.slice(row, row + 3)), source, row);
          if (found) return found;
        }
      }
      return seen.finish();
    },
    { maxEntries },
  );
}

test('finds a duplicate if and only if there is one, in memory and in files', async () => {
  const folder = await temporaryFolder();
  const anyIds = fc.uniqueArray(fc.string({ maxLength: 6 }), { minLength: 2, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(anyIds, fc.constantFrom(1, 7, 1000), fc.nat(), fc.nat(), async (ids, maxEntries, from, to) => {
      expect(await findIn(folder, ids, maxEntries)).toBeUndefined();
      const id = ids[from % ids.length]!;
      const withDuplicate = ids.toSpliced(to % (ids.length + 1), 0, id);
      const middle = withDuplicate.length >> 1;
      const places = [withDuplicate.indexOf(id), withDuplicate.lastIndexOf(id)].map((at) =>
        at < middle ? { source: 0, row: at } : { source: 1, row: at - middle },
      );
      expect(await findIn(folder, withDuplicate, maxEntries)).toEqual({ first: places[0], second: places[1] });
    }),
    { numRuns: 15 },
  );
  expect(await readdir(folder)).toEqual([]);
});

test('finds one duplicate among many ids that are in files', async () => {
  const folder = await temporaryFolder();
  const ids = Array.from({ length: 30_000 }, (_, i) => `protein ${i}`);
  ids.push('protein 12345');
  expect(await findIn(folder, ids, 2000)).toEqual({
    first: { source: 0, row: 12345 },
    second: { source: 1, row: 15_000 },
  });
});

test('ignores pairs that do not matter, in memory and in files', async () => {
  const folder = await temporaryFolder();
  const ids = columnFrom(['a', 'b']);
  const inOthers = ({ second }: Duplicate) => second.source !== 1;
  for (const maxEntries of [1, 1000])
    await withDuplicateIds(
      join(folder, 'shard.h5'),
      async (seen) => {
        for (const source of [0, 1, 2]) {
          const found = seen.add(ids, source, 0) ?? (source === 2 ? await seen.finish() : undefined);
          expect(found).toEqual(
            source === 2
              ? { first: { source: 0, row: expect.any(Number) }, second: { source: 2, row: expect.any(Number) } }
              : undefined,
          );
        }
      },
      { maxEntries, matters: inOthers },
    );
});
