import { expect, it } from 'vitest';
import { shown } from '../../../workers/src/base/text/shown.ts';

it('quotes values of documents in at most a line', () => {
  expect(shown('a"b')).toBe('"a\\"b"');
  expect(shown(null)).toBe('null');
  expect(shown(undefined)).toBe('undefined');
  expect(shown({ a: [1] })).toBe('{"a":[1]}');
  for (const long of ['x'.repeat(5000), '😀'.repeat(5000), Array.from({ length: 5000 }, () => 1)]) {
    expect([...shown(long)]).toHaveLength(83);
    expect(shown(long)).toMatch(/[^\ud800-\udbff]\.\.\.$/);
  }
});
