import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnFrom } from '../../../workers/src/base/bytes/utf8-column.ts';
import { sortedIdOrder } from '../../../workers/src/hits/rank.ts';
import { drawByHash } from '../../../workers/src/search/queries/draw-sample.ts';
import { bytewise, id } from '../../support/hits.ts';

const draw = (ids: readonly string[], wanted: number, skip = 0) => {
  const column = columnFrom(ids);
  return Array.from(drawByHash(column, sortedIdOrder(column), wanted, skip), (row) => ids[row]!);
};

test('the same ids are drawn from any order of input, each once, in the order of ids', () => {
  fc.assert(
    fc.property(fc.uniqueArray(id, { minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 40 }), (ids, wanted) => {
      const drawn = draw(ids, wanted);
      expect(drawn).toHaveLength(Math.min(ids.length, wanted));
      expect(drawn).toEqual([...new Set(drawn)].sort(bytewise));
      expect(draw([...ids].reverse(), wanted)).toEqual(drawn);
    }),
  );
});

test('two samples share no id if there are enough', () => {
  const ids = Array.from({ length: 1000 }, (_, i) => `q${i}`);
  const [one, other] = [draw(ids, 200), draw(ids, 200, 200)];
  expect(new Set([...one, ...other]).size).toBe(400);
  // If there are too few, they share as few as possible.
  expect(new Set([...draw(ids, 600), ...draw(ids, 600, 600)]).size).toBe(1000);
  // As good as random: about half of each half.
  expect(one.filter((text) => Number(text.slice(1)) < 500).length).toBeGreaterThan(70);
  expect(one.filter((text) => Number(text.slice(1)) < 500).length).toBeLessThan(130);
});
