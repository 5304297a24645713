import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  algorithmOf,
  ChecksumAlgorithm,
  CRC32,
  CRC64,
  hasChecksum,
  isChecksum,
} from '../../../workers/src/base/bytes/checksum.ts';

/** CRC-64/NVME bit by bit, as defined in the catalogue of parametrised CRC algorithms (reveng.sourceforge.io/crc-catalogue). */
function slowCrc64(content: Uint8Array): bigint {
  const polynomial = 0xad93d23594c93659n;
  let sum = 0xffff_ffff_ffff_ffffn;
  const reversed = (value: bigint, bits: number) =>
    BigInt(`0b${[...value.toString(2).padStart(bits, '0')].reverse().join('')}`);
  for (const byte of content) {
    sum ^= reversed(BigInt(byte), 8) << 56n;
    for (let bit = 0; bit < 8; bit++) sum = BigInt.asUintN(64, sum << 1n) ^ (sum >> 63n ? polynomial : 0n);
  }
  return reversed(sum ^ 0xffff_ffff_ffff_ffffn, 64);
}

describe('CRC-64/NVME', () => {
  it('has its published check value', () => {
    expect(CRC64.of(Buffer.from('123456789'))).toBe(0xae8b14860a799888n);
    expect(CRC64.format(CRC64.of(Buffer.alloc(0)))).toBe('crc64nvme:0000000000000000');
  });

  // Around the boundaries of eight-byte steps, of folding, and of chunks.
  it.each([1, 7, 8, 9, 63, 1616, 1679, 1680, 1681, 1744, 3300, 30_001])('is right for %i bytes', (bytes) => {
    const content = randomBytes(bytes);
    expect(CRC64.of(content)).toBe(slowCrc64(content));
  });

  it('is right for content longer than a chunk, wherever it is divided', () => {
    const content = randomBytes(600_000);
    const whole = CRC64.of(content);
    for (const cut of [1, 1000, 2 ** 18 - 1, 2 ** 18, 2 ** 18 + 1, 599_999])
      expect(CRC64.of(content.subarray(cut), CRC64.of(content.subarray(0, cut)))).toBe(whole);
    // Combined from parts that are small enough for `slowCrc64`.
    let sum = 0n;
    for (let start = 0; start < content.length; start += 20_000)
      sum = CRC64.combine(sum, slowCrc64(content.subarray(start, start + 20_000)), 20_000);
    expect(sum).toBe(whole);
  });
});

describe.each([CRC64, CRC32])('$name', (algorithm) => {
  it('combines the checksums of two parts into the checksum of their concatenation', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.uint8Array({ maxLength: 3000 }), (first, second) => {
        const whole = algorithm.of(Buffer.concat([first, second]));
        expect(algorithm.combine(algorithm.of(first), algorithm.of(second), second.length)).toBe(whole);
      }),
    );
  });

  it('combines with an empty part first', () => {
    const { name, of } = algorithm;
    const fresh = new ChecksumAlgorithm(
      name,
      name === 'crc32' ? 32 : 64,
      name === 'crc32' ? 0xedb88320n : 0x9a6c9329ac4bc9b5n,
      of,
    );
    const sum = of(Buffer.from('content'));
    expect(fresh.combine(sum, of(Buffer.alloc(0)), 0)).toBe(sum);
  });

  it('is right for contents of more than 4 GiB', () => {
    // 2^33 zero bytes, by doubling; a part of them is processed byte by byte.
    const block = Buffer.alloc(2 ** 20);
    let [zeros, bytes] = [algorithm.of(block), block.length];
    let plain = zeros;
    for (; bytes < 2 ** 26; bytes *= 2) zeros = algorithm.combine(zeros, zeros, bytes);
    for (let done = 1; done < 64; done++) plain = algorithm.of(block, plain);
    expect(zeros).toBe(plain);
    for (; bytes < 2 ** 33; bytes *= 2) zeros = algorithm.combine(zeros, zeros, bytes);
    // The same sum, added up from the other end.
    let shifted = 0n;
    for (let i = 0; i < 128; i++) shifted = algorithm.combine(shifted, plain, 2 ** 26);
    expect(zeros).toBe(shifted);
  });

  it('is recognized by its name', () => {
    const text = algorithm.format(0xabcn);
    expect([isChecksum(text), algorithmOf(text), hasChecksum(Buffer.alloc(0), text)]).toEqual([true, algorithm, false]);
    expect(hasChecksum(Buffer.from('x'), algorithm.format(algorithm.of(Buffer.from('x'))))).toBe(true);
    expect(isChecksum(text.slice(0, -1))).toBe(false);
  });
});

it("equals zlib's for CRC-32", () => {
  expect(CRC32.format(CRC32.of(Buffer.from('abc')))).toBe(`crc32:${crc32('abc').toString(16)}`);
});
