import { expect, it } from 'vitest';
import { quoteValue } from '../../../workers/src/base/text/quote.ts';

it('quotes values of documents in at most one line', () => {
  expect(quoteValue('a"b')).toBe('"a\\"b"');
  expect(quoteValue(null)).toBe('null');
  expect(quoteValue(undefined)).toBe('undefined');
  expect(quoteValue({ a: [1] })).toBe('{"a":[1]}');
  for (const long of ['x'.repeat(5000), '😀'.repeat(5000), Array.from({ length: 5000 }, () => 1)]) {
    expect([...quoteValue(long)]).toHaveLength(83);
    expect(quoteValue(long)).toMatch(/[^\ud800-\udbff]\.\.\.$/);
  }
});
