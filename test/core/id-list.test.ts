import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseIdList } from '../../workers/src/core/id-list.ts';
import { DataError } from '../../workers/src/errors.ts';

test('a text has an id a line; empty lines, spaces around and repetitions do not count', () => {
  expect(parseIdList('\uFEFFa\r\n\n  b c \nd,"e"\rf\na\n', 'ids.txt')).toEqual(['a', 'b c', 'd,"e"', 'f']);
});

test('a .csv has a column "id" anywhere, quoted as RFC 4180 has it', () => {
  const text = 'name, id ,more\r\n"x,\ny",sp|P1|A,1\r\n,"a ""b"", c",\n\nshort\nz,"",\nq,last';
  expect(parseIdList(text, 'LIST.CSV')).toEqual(['sp|P1|A', 'a "b", c', 'last']);
});

test('what is quoted comes back, whatever it holds', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'é', ' '), maxLength: 6 });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }), (rows) => {
      const wanted = [...new Set(rows.map(([, id]) => id).filter((id) => id !== ''))];
      fc.pre(wanted.length > 0);
      const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
      const text = ['other,id', ...rows.map((row) => row.map(quoted).join(','))].join('\n');
      expect(parseIdList(text, 'a.csv')).toEqual(wanted);
    }),
  );
});

test.each([
  ['', 'ids.txt', /ids\.txt: no ids/],
  [' \n\n', 'ids.txt', /no ids/],
  ['a\nb\n', 'ids.csv', /must name a column "id"/],
  ['id\n\n', 'ids.csv', /no ids/],
])('%j in %s is refused', (text, name, message) => {
  expect(() => parseIdList(text, name)).toThrow(DataError);
  expect(() => parseIdList(text, name)).toThrow(message);
});
