import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { columnTexts } from '../../workers/src/base/bytes/utf8-column.ts';
import { DataError } from '../../workers/src/base/errors.ts';
import { MAX_ID_BYTES } from '../../workers/src/base/limits.ts';
import { readFasta } from '../../workers/src/fasta/fasta.ts';
import { temporaryFolder } from '../support/run.ts';

const LIMITS = { records: 1000, residues: 1 << 20 };

async function readAll(path: string) {
  const records: Array<[string, string]> = [];
  let bytes = 0;
  for await (const { ids, sequences } of readFasta(path, LIMITS, (more) => {
    bytes += more;
  }))
    records.push(...columnTexts(ids).map((id, i): [string, string] => [id, sequences[i]!]));
  return { records, bytes };
}

async function fileOf(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, content);
  return path;
}

async function errorOf(path: string): Promise<string> {
  const error = await readAll(path).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DataError);
  return (error as Error).message.replace(path, 'FILE');
}

// Longer than two blocks of the reader, and than many batches.
const MANY = Array.from({ length: 12_000 }, (_, i): [string, string] => [`r${i}`, 'MKTAYIAKQR'.repeat(1 + (i % 40))]);
const TEXT = MANY.map(([id, sequence]) => `>${id} protein ${id}${sequence.length}\n${sequence}\n`).join('');

describe('a FASTA file', () => {
  test('is read completely, plain, gzip or zstd, whatever its name', async () => {
    const plain = await fileOf('a.fa.gz', TEXT);
    expect(await readAll(plain)).toEqual({ records: MANY, bytes: TEXT.length });
    const zipped = gzipSync(TEXT);
    expect(await readAll(await fileOf('a.fa', zipped))).toEqual({ records: MANY, bytes: zipped.length });
    const frames = Buffer.concat([zstdCompressSync(TEXT.slice(0, 1e6)), zstdCompressSync(TEXT.slice(1e6))]);
    expect(await readAll(await fileOf('b.fa', frames))).toEqual({ records: MANY, bytes: frames.length });
  });

  test('has the description of each record, although blocks are read into the same memory', async () => {
    for (const content of [Buffer.from(TEXT), gzipSync(TEXT), zstdCompressSync(TEXT)]) {
      const path = await fileOf('a.fa', content);
      const read: string[] = [];
      for await (const { descriptions } of readFasta(path, { ...LIMITS, descriptions: true }))
        read.push(...columnTexts(descriptions!));
      expect(read).toEqual(MANY.map(([id, sequence]) => `protein ${id}${sequence.length}`));
    }
  });

  test('may be several concatenated gzip files, as of bgzip and cat', async () => {
    const path = await fileOf('a.gz', Buffer.concat([gzipSync('>a\nMK'), gzipSync('T\n>b\n'), gzipSync('AC')]));
    expect((await readAll(path)).records).toEqual([
      ['a', 'MKT'],
      ['b', 'AC'],
    ]);
  });

  test('may have one sequence longer than any block', async () => {
    const sequence = 'MKTAYIAKQR'.repeat(500_000);
    const path = await fileOf('long.fa', `>a\n${sequence.replaceAll(/.{60}/g, '$&\n')}\n>b\nM`);
    const { records } = await readAll(path);
    expect(records.map(([id, text]) => [id, text.length])).toEqual([
      ['a', 5_000_000],
      ['b', 1],
    ]);
    expect(records[0]![1] === sequence).toBe(true);
  });
});

describe('one clear error', () => {
  test('no such file, a folder, an empty file', async () => {
    expect(await errorOf('/no/such/file.fa')).toBe('FILE: no such file.');
    expect(await errorOf(await temporaryFolder())).toBe('FILE: is a folder. Name the FASTA files in it.');
    expect(await errorOf(await fileOf('a.fa', ''))).toBe('FILE: no sequences: the file is empty.');
    expect(await errorOf(await fileOf('a.fa.gz', gzipSync('')))).toBe('FILE: no sequences: the file is empty.');
  });

  test('truncated or damaged gzip', async () => {
    const zipped = gzipSync(TEXT);
    const what = 'Copy or make the file again.';
    for (const bytes of [15, zipped.length >> 1, zipped.length - 1])
      expect(await errorOf(await fileOf('a.gz', zipped.subarray(0, bytes)))).toBe(
        `FILE: its gzip compression is truncated. ${what}`,
      );
    const damaged = Buffer.from(zipped);
    damaged.fill(0x55, 5000, 6000);
    // The bytes before the damage may already be invalid FASTA; both errors name the file.
    expect(await errorOf(await fileOf('b.gz', damaged))).toMatch(/^FILE: /);
    const badSum = Buffer.from(zipped);
    badSum[badSum.length - 8]! ^= 1;
    expect(await errorOf(await fileOf('c.gz', badSum))).toBe(`FILE: its gzip compression is damaged. ${what}`);
  });

  test('a file without line breaks ends at a limit, however well it is compressed', async () => {
    // What is read before the limit is collected late; the whole text would exceed the bound by far.
    const residues = Buffer.alloc(240 << 20, 'M');
    for (const [text, message] of [
      [residues, 'line 1 comes before the first header'],
      [Buffer.concat([Buffer.from('>'), residues]), `its id has more than ${MAX_ID_BYTES} bytes`],
      [Buffer.concat([Buffer.from('>a '), residues]), `its header has more than`],
      [Buffer.concat([Buffer.from('>a\n'), residues]), `its sequence has more than`],
    ] as const) {
      const path = await fileOf('bomb.zst', zstdCompressSync(text));
      const before = process.memoryUsage().arrayBuffers;
      expect(await errorOf(path)).toContain(message);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(160 << 20);
    }
  });

  test('other formats, with what to do', async () => {
    const formats: Array<[number[], string]> = [
      [[0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a], 'is HDF5, not FASTA'],
      [[0x42, 0x5a, 0x68, 0x39], 'is compressed with bzip2'],
      [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], 'is compressed with xz'],
      [[0x50, 0x4b, 3, 4, 0], 'is a zip archive'],
    ];
    for (const [start, message] of formats)
      expect(await errorOf(await fileOf('a.fa', Uint8Array.from(start)))).toContain(`FILE ${message}`);
  });
});
