import { expect, test } from 'vitest';
import { murmur3 } from '../../../workers/src/base/bytes/murmur3.ts';

function hashOf(text: string): string {
  // At an offset, between other bytes: only [start, end) counts.
  const bytes = Buffer.from(`xyz${text}xyz`);
  const words = new Uint32Array(6);
  murmur3(bytes, 3, bytes.length - 3, words, 1);
  return Buffer.from(words.buffer, 4, 16).toString('hex');
}

test('is MurmurHash3 x86 128, as other implementations compute it', () => {
  expect(hashOf('')).toBe('00000000000000000000000000000000');
  expect(hashOf('a')).toBe('3c9394a71bb056551bb056551bb05655');
  expect(hashOf('Hello, world!')).toBe('a7dbac26fc8d63f063422b40c3d4fd0a');
  expect(hashOf('sp|P12345|TEST_HUMAN')).toBe('96f1ce6613adf6f4559c6d58134988e8');
  expect(hashOf('0123456789abcdef0123456789abcdef!é')).toBe('3728f21016f6268461237e1f4cd88419');
});
