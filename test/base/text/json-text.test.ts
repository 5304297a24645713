import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseJsonText } from '../../../workers/src/base/text/json-text.ts';

const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;

it('returns the value of JSON.parse', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), (text) => {
      expect(parseJsonText(text)).toEqual(JSON.parse(text));
    }),
  );
});

it('refuses lists and objects nested more than 64 levels deep, at any position', () => {
  expect(() => parseJsonText(nested(64))).not.toThrow();
  for (const text of [nested(65), `{"a": [1, ${nested(64)}]}`, `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`])
    expect(() => parseJsonText(text)).toThrow(/levels deep/);
  expect(() => parseJsonText('{"a": "[[[')).toThrow(SyntaxError);
});
