import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinPieces, printable, printableJson, printableJsonPieces } from '../../../workers/src/base/text/printable.ts';

/** Control and format characters of Unicode, except those that join emoji and letters. */
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\x1b', '\r', '\x9b', '\x7f', '\u202e', 'é', '"', '\\'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
});

test('escapes control characters', () => {
  expect(printable('a\x1b[31mb\x07\r\x9b2J\x7f\u202egpj\u2066')).toBe(
    'a\\x1b[31mb\\x07\\x0d\\x9b2J\\x7f\\u202egpj\\u2066',
  );
  expect(printable('Zürich\t蛋白\n"👩‍🔬"')).toBe('Zürich\t蛋白\n"👩‍🔬"');
});

test('leaves no control characters in any text, except line breaks and tabs', () => {
  fc.assert(fc.property(text, (original) => !CONTROLS.test(printable(original).replaceAll(/[\n\t]/g, ''))));
});

test('JSON contains no control characters, and parses to the same value', () => {
  fc.assert(
    fc.property(text, (given) => {
      const json = printableJson({ [given]: [given] });
      expect(json).not.toMatch(CONTROLS);
      expect(JSON.parse(json)).toEqual({ [given]: [given] });
    }),
  );
});

test('pieces of an object are its line', () => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constant(undefined),
    fc.array(fc.oneof(fc.jsonValue(), fc.constant(undefined))),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), value), (record) => {
      expect([...printableJsonPieces(record)].join('')).toBe(printableJson(record));
      expect([...joinPieces(printableJsonPieces(record), 10)].join('')).toBe(printableJson(record));
    }),
  );
  const inner = { report: { buckets: [1, undefined, { a: [] }], at: new Date(0), absent: undefined, empty: {} } };
  expect([...printableJsonPieces(inner)].join('')).toBe(printableJson(inner));
  // No piece is longer than an element of a list, however deep the list is.
  const long = { report: { buckets: Array.from({ length: 1000 }, () => 'x'.repeat(100)) } };
  expect(Math.max(...[...printableJsonPieces(long)].map((piece) => piece.length))).toBe(103);
});
