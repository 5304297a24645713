import { expect, it } from 'vitest';
import { unpadded } from '../../../workers/src/shard/hdf5/file-bytes.ts';

const text = (stored: string, pad: number) => {
  const bytes = Buffer.from(`.${stored}.`);
  return bytes.toString('utf8', 1, unpadded(bytes, 1, bytes.length - 1, pad));
};
const [TERMINATED, NULLS, SPACES] = [0, 1, 2];

it.each<[string, number, string]>([
  ['p1\0\0', NULLS, 'p1'],
  ['p1 \0', NULLS, 'p1 '],
  ['p\x001\0', NULLS, 'p\x001'],
  ['p1\0x', TERMINATED, 'p1'],
  ['p1xx', TERMINATED, 'p1xx'],
  ['p1  ', SPACES, 'p1'],
  ['p1\0\0', SPACES, 'p1'],
  ['p 1 \0', SPACES, 'p 1'],
  ['    ', SPACES, ''],
])('%j filled by rule %i is %j', (stored, pad, expected) => {
  expect(text(stored, pad)).toBe(expected);
});
