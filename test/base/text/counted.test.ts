import { expect, test } from 'vitest';
import { counted } from '../../../workers/src/base/text/counted.ts';

test.each([
  [0, 'vector', '0 vectors'],
  [1, 'vector', '1 vector'],
  [2, 'query', '2 queries'],
  [1, 'query', '1 query'],
  [3, 'day', '3 days'],
  [2, 'index', '2 indexes'],
  [1n, 'row', '1 row'],
  ['1,000', 'row', '1,000 rows'],
])('%s %s', (count, noun, text) => {
  expect(counted(count, noun)).toBe(text);
});
