import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../workers/src/base/errors.ts';
import { decompress } from '../../workers/src/fasta/decompress.ts';

/** Like a reader: every block in the same buffer. */
async function* blocksOf(bytes: Uint8Array, sizes: () => number): AsyncGenerator<Buffer> {
  const shared = Buffer.alloc(1 << 20);
  for (let at = 0; at < bytes.length; ) {
    const size = Math.min(sizes(), bytes.length - at);
    shared.set(bytes.subarray(at, at + size));
    yield shared.subarray(0, size);
    shared.fill(0xee);
    at += size;
  }
}

async function unpacked(bytes: Uint8Array, sizes = () => 1 << 20): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of decompress('FILE', blocksOf(bytes, sizes))) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString();
}

const TEXT = Array.from({ length: 100_000 }, (_, i) => `>r${i}\nMKT${(i * 7919) % 1_000_003}\n`).join('');
const checked = (text: string) => zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

describe('zstd', () => {
  test('of any number of frames, cut into any blocks', async () => {
    const texts = fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 6 });
    const sizes = fc.array(fc.integer({ min: 4, max: 70_000 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(texts, sizes, async (lengths, blocks) => {
        const parts = lengths.map((length) => TEXT.slice(0, length));
        const frames = parts.flatMap((part, i) => (i % 2 ? [checked(part)] : [skippable, checked(part)]));
        let next = 0;
        const text = await unpacked(Buffer.concat(frames), () => blocks[next++ % blocks.length]!);
        expect(text === parts.join('')).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('in constant memory: a hundred frames, one at a time', async () => {
    const frame = zstdCompressSync(TEXT);
    let length = 0;
    const all = Buffer.concat(Array.from({ length: 100 }, () => frame));
    for await (const piece of decompress(
      'FILE',
      blocksOf(all, () => 1 << 16),
    ))
      length += piece.length;
    expect(length).toBe(100 * TEXT.length);
  });

  test('that is truncated or damaged is refused', async () => {
    const file = Buffer.concat([checked('>a\nMK'), checked(TEXT)]);
    const cut = unpacked(file.subarray(0, file.length - 9));
    await expect(cut).rejects.toThrow('FILE: its zstd compression is truncated. Copy or make the file again.');
    await expect(cut).rejects.toBeInstanceOf(DataError);
    const damaged = Buffer.from(file);
    damaged[file.length >> 1]! ^= 0x55;
    await expect(unpacked(damaged)).rejects.toThrow('FILE: its zstd compression is damaged');
    const more = unpacked(Buffer.concat([file, Buffer.from('something else')]));
    await expect(more).rejects.toThrow('FILE: its zstd compression is damaged');
  });
});

test('a reader that stops early leaves nothing running', async () => {
  for (const bytes of [gzipSync(TEXT), checked(TEXT), Buffer.concat([checked(TEXT), checked(TEXT)])])
    for await (const piece of decompress(
      'FILE',
      blocksOf(bytes, () => 1000),
    )) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
});

test('other content passes unchanged', async () => {
  expect(await unpacked(Buffer.from(TEXT), () => 999)).toBe(TEXT);
  expect(await unpacked(new Uint8Array())).toBe('');
});
