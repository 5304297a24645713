import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { combineCrc32, formatCrc32 } from '../../workers/src/core/crc32.ts';

it('gives the checksum of two contents one after the other', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (first, second) => {
      const whole = crc32(Buffer.concat([first, second]));
      expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(whole);
    }),
  );
});

it('is right for contents of more than 4 GiB', () => {
  // 2^33 zero bytes, by doubling; zlib goes through a part of them one by one.
  const block = Buffer.alloc(2 ** 20);
  let [zeros, bytes] = [crc32(block), block.length];
  let plain = zeros;
  for (; bytes < 2 ** 26; bytes *= 2) zeros = combineCrc32(zeros, zeros, bytes);
  for (let done = 1; done < 64; done++) plain = crc32(block, plain);
  expect(zeros).toBe(plain);
  for (; bytes < 2 ** 33; bytes *= 2) zeros = combineCrc32(zeros, zeros, bytes);
  // The same sum, added up from the other end.
  let shifted = 0;
  for (let i = 0; i < 128; i++) shifted = combineCrc32(shifted, plain, 2 ** 26);
  expect(zeros).toBe(shifted);
});

it('is written as in the catalog', () => {
  expect(formatCrc32(0xabc)).toBe('00000abc');
});
