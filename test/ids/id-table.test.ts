import fc from 'fast-check';
import { expect, test } from 'vitest';
import { duplicateOf, ENTRY_WORDS, IdTable, writePlace } from '../../workers/src/ids/id-table.ts';

function entryOf(id: number, source: number, row: number): Uint32Array {
  const words = new Uint32Array(ENTRY_WORDS);
  words.set([id, Math.imul(id, 0x9e3779b1), 0, id]);
  writePlace(words, 0, source, row);
  return words;
}

test('finds the same ids as a Set, with the place of the first', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3000), { maxLength: 400 }), (ids) => {
      const table = new IdTable(Number.POSITIVE_INFINITY);
      const first = new Map<number, number>();
      for (const [row, id] of ids.entries()) {
        const seen = table.add(entryOf(id, 3, row), 0);
        expect(seen?.row).toBe(first.get(id));
        if (!first.has(id)) first.set(id, row);
      }
      expect(table.count).toBe(first.size);
    }),
  );
});

test('keeps every entry while it grows, and none when cleared', () => {
  const table = new IdTable(100_000);
  for (let id = 0; id < 100_000; id++) expect(table.add(entryOf(id, 0, id), 0)).toBeUndefined();
  expect(table.isFull).toBe(true);
  for (let id = 0; id < 100_000; id += 997) expect(table.add(entryOf(id, 1, 0), 0)).toEqual({ source: 0, row: id });
  let visited = 0;
  table.forEach(() => {
    visited++;
  });
  expect(visited).toBe(100_000);
  table.clear();
  expect(table.add(entryOf(7, 0, 0), 0)).toBeUndefined();
});

test('places may be beyond 2^32 rows; the earlier one comes first', () => {
  const table = new IdTable(10);
  table.add(entryOf(1, 2, 3_500_000_000_000), 0);
  const seen = table.add(entryOf(1, 0, 5), 0)!;
  expect(duplicateOf(seen, { source: 0, row: 5 })).toEqual({
    first: { source: 0, row: 5 },
    second: { source: 2, row: 3_500_000_000_000 },
  });
});
