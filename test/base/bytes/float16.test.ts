import { describe, expect, it } from 'vitest';
import { decodeFloat16 } from '../../../workers/src/base/bytes/float16.ts';

describe('decodeFloat16', () => {
  it('decodes all 65,536 values as Float16Array does', () => {
    const words = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const decoded = new Float32Array(65_536);
    decodeFloat16(words, decoded, words.length);
    const expected = new Float16Array(words.buffer);
    for (let i = 0; i < words.length; i++) if (!Object.is(decoded[i], expected[i])) expect.fail(`word ${i}`);
  });

  it('decodes by the formula of IEEE 754', () => {
    const words = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const decoded = new Float32Array(65_536);
    decodeFloat16(words, decoded, words.length);
    for (const word of words) {
      const [sign, exponent, fraction] = [word >> 15 ? -1 : 1, (word >> 10) & 31, word & 1023];
      const finite = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
      const value = sign * (exponent < 31 ? finite : fraction ? Number.NaN : Number.POSITIVE_INFINITY);
      if (!Object.is(decoded[word], value)) expect.fail(`word ${word}: ${decoded[word]} is not ${value}`);
    }
  });

  it('decodes `count` values and no more', () => {
    const into = new Float32Array(3);
    decodeFloat16(Uint16Array.of(0x3c00, 0xc000, 0x3c00), into, 2);
    expect([...into]).toEqual([1, -2, 0]);
  });
});
