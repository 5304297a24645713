import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTable } from '../../../workers/src/base/text/format-table.ts';

const rows = [
  ['bucket', 'vectors', 'model'],
  ['bucket_00001', '5', 'a model with a rather long name'],
];

test('nothing is shortened where no width is given', () => {
  expect(formatTable(rows)).toBe(
    [
      'bucket        vectors  model',
      '------------  -------  -------------------------------',
      'bucket_00001  5        a model with a rather long name',
    ].join('\n'),
  );
});

test('the longest cells are shortened first', () => {
  expect(formatTable(rows, 40).split('\n')).toEqual([
    'bucket        vectors  model',
    '------------  -------  -----------------',
    'bucket_00001  5        a model with a r…',
  ]);
});

test('a table fits every terminal on which its columns have eight characters', () => {
  const cell = fc.string({ maxLength: 60 });
  const table = fc.array(fc.tuple(cell, cell, cell, cell), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(table, fc.integer({ min: 38, max: 200 }), (cells, columns) => {
      for (const line of formatTable(cells, columns).split('\n')) expect([...line].length).toBeLessThanOrEqual(columns);
    }),
  );
});
