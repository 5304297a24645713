import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DataError } from '../../workers/src/base/errors.ts';
import { MAX_ID_BYTES } from '../../workers/src/base/limits.ts';
import { parseIdList } from '../../workers/src/ids/id-list.ts';

test('a text has an id per line; empty lines, outer spaces and repetitions are ignored', () => {
  expect(parseIdList('\uFEFFa\r\n\n  b c \nd,"e"\rf\na\n', 'ids.txt')).toEqual(['a', 'b c', 'd,"e"', 'f']);
});

test('a .csv has a column "id" anywhere, quoted as RFC 4180 has it', () => {
  const text = 'name, id ,more\r\n"x,\ny",sp|P1|A,1\r\n,"a ""b"", c",\n\nshort\nz,"",\nq,last';
  expect(parseIdList(text, 'LIST.CSV')).toEqual(['sp|P1|A', 'a "b", c', 'last']);
});

test('quoted cells return their content, whatever it is', () => {
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

test('a quote without its end is part of its cell', () => {
  const long = `"${'a'.repeat(2 ** 22)}`;
  expect(() => parseIdList(`id\n${long}`, 'a.csv')).toThrow(/a\.csv: the id ".*\.\.\." has more than 1048576 bytes/);
  expect(() => parseIdList(`id\n${long}"`, 'a.csv')).toThrow(DataError);
  expect(() => parseIdList(`id\n${'"'.repeat(2 ** 22)}`, 'a.csv')).toThrow(DataError);
  expect(parseIdList(`more,id\n${long},b\n"x"y,"c`, 'a.csv')).toEqual(['b', '"c']);
});

test('an id may have MAX_ID_BYTES bytes', () => {
  const id = `é${'i'.repeat(MAX_ID_BYTES - 2)}`;
  expect(parseIdList(id, 'ids.txt')).toEqual([id]);
  expect(() => parseIdList(`${id}i`, 'ids.txt')).toThrow(/ids\.txt: the id "éi+\.\.\." has more than 1048576 bytes/);
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
