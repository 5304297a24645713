import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../../workers/src/base/errors.ts';
import { readHits } from '../../../workers/src/hits/parquet/hits-reader.ts';
import { createHits } from '../../../workers/src/hits/parquet/hits-writer.ts';
import { createNeighbours } from '../../../workers/src/hits/parquet/neighbours-writer.ts';
import { type Hit, hits, hitsIn, packedHits } from '../../support/hits.ts';
import { temporaryFolder } from '../../support/run.ts';

async function read(path: string): Promise<Hit[]> {
  const rows: Hit[] = [];
  for await (const batch of readHits(path)) rows.push(...hitsIn(batch));
  return rows;
}

async function write(path: string, all: readonly Hit[], bucket: string, size = all.length) {
  const writer = await createHits(path);
  for (let start = 0; start < all.length; start += size)
    await writer.append({ ...packedHits(all.slice(start, start + size)), bucket });
  await writer.finish();
}

const range = (length: number, hit: (i: number) => Hit) => Array.from({ length }, (_, i) => hit(i));

describe('files that LanceFlow wrote', () => {
  it('are read as they were written', async () => {
    const path = join(await temporaryFolder(), 'hits.parquet');
    await fc.assert(
      fc.asyncProperty(hits, fc.integer({ min: 1, max: 9 }), async (some, size) => {
        const all = some.map((hit) => ({ ...hit, bucket: 'b' }));
        await write(path, all, 'b', size);
        expect(await read(path)).toEqual(all);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    [
      'several row groups and pages',
      range(70_000, (i) => ({ query: `q${i >> 5}`, target: `t${i}`, distance: i / 8, bucket: 'b' })),
    ],
    ['queries that all differ', range(40_000, (i) => ({ query: `q${i}`, target: 't', distance: 0, bucket: 'b' }))],
    // The encoder abandons their dictionary half way, at a megabyte.
    [
      'long ids',
      range(900, (i) => ({ query: `${'q'.repeat(3000)}${i}`, target: 'é'.repeat(5000), distance: 1, bucket: 'b' })),
    ],
  ])('read as they were written: %s', async (_, all) => {
    const path = join(await temporaryFolder(), 'hits.parquet');
    await write(path, all, 'b', 7777);
    const found = await read(path);
    expect(found.length).toBe(all.length);
    expect(found.every((hit, i) => JSON.stringify(hit) === JSON.stringify(all[i]))).toBe(true);
  });

  it.each(['zstd', 'gzip', 'none'] as const)('are read as they were written: neighbours, %s', async (compression) => {
    const path = join(await temporaryFolder(), 'n.parquet');
    const all = range(5000, (i) => ({ query: `q${i >> 2}`, target: `t${i}`, distance: i, bucket: `b${i % 7}` }));
    const writer = await createNeighbours(path, compression);
    await writer.append({ ...packedHits(all), ranks: Int32Array.from(all, (_, i) => (i & 3) + 1) });
    await writer.finish();
    expect(await read(path)).toEqual(all);
  });

  it('are refused with file and row group if they are damaged, or read completely', async () => {
    const path = join(await temporaryFolder(), 'hits.parquet');
    const all = range(3000, (i) => ({ query: `q${i >> 4}`, target: `t${i * 7919}`, distance: i / 8, bucket: 'b' }));
    await write(path, all, 'b');
    const good = await readFile(path);
    // The library checks the footer, and the page index before it.
    const dataBytes = good.length - 1500;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(dataBytes), fc.integer({ min: 1, max: 40 }), fc.nat(255), async (at, length, value) => {
        await writeFile(path, Buffer.from(good).fill(value, 4 + at, Math.min(4 + at + length, dataBytes)));
        try {
          expect(await read(path)).toHaveLength(3000);
        } catch (error) {
          refused++;
          expect(error).toBeInstanceOf(DataError);
          expect((error as Error).message).toMatch(/hits\.parquet: .*row group 0/);
        }
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(50);
  });
});
