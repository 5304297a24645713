import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyIndex } from '../../../workers/src/base/bytes/key-index.ts';

// Few distinct words, so that keys share their first word and are sometimes equal.
const word = fc.oneof(fc.nat(3), fc.constant(0xffffffff));
const keys = fc.array(fc.tuple(word, word, word, word), { maxLength: 300 });

test('is a map that keeps the first record of each key', () => {
  fc.assert(
    fc.property(keys, (list) => {
      const index = new KeyIndex(1000);
      const expected = new Map<string, number>();
      for (const [record, key] of list.entries()) {
        index.add(Uint32Array.from(key), 0, record);
        if (!expected.has(key.join())) expected.set(key.join(), record);
      }
      expect(index.size).toBe(expected.size);
      for (const key of list) expect(index.get(Uint32Array.from(key), 0)).toBe(expected.get(key.join()));
      expect(index.get(Uint32Array.of(9, 9, 9, 9), 0)).toBeUndefined();
    }),
  );
});

test('grows up to its limit', () => {
  const index = new KeyIndex(20_000);
  const all = Uint32Array.from({ length: 4 * 30_000 }, (_, i) => Math.imul(i + 1, 2654435761));
  for (let i = 0; i < 30_000; i++) index.add(all, 4 * i, i);
  expect([index.size, index.isFull]).toEqual([20_000, true]);
  for (const i of [0, 1, 12_345, 19_999]) expect(index.get(all, 4 * i)).toBe(i);
  expect(index.get(all, 4 * 20_000)).toBeUndefined();
});
