import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HITS_ROW_GROUP } from '../../../workers/src/hits/columns.ts';
import { createHits } from '../../../workers/src/hits/parquet/hits-writer.ts';
import { RowGroupJoiner } from '../../../workers/src/hits/parquet/join-row-groups.ts';
import { type Hit, hits, packedHits } from '../../support/hits.ts';
import { temporaryFolder } from '../../support/run.ts';

/** The bytes of a file that the encoder writes of batches. */
async function encoded(folder: string, batches: readonly (readonly Hit[])[]): Promise<Uint8Array> {
  const path = join(folder, 'hits.parquet');
  const writer = await createHits(path, { 'lanceflow.k': '10' });
  for (const batch of batches) await writer.append({ ...packedHits(batch), bucket: 'bucket_00001' });
  await writer.finish();
  return readFile(path);
}

async function joined(folder: string, batches: readonly (readonly Hit[])[]): Promise<Buffer> {
  const joiner = new RowGroupJoiner();
  const parts: Uint8Array[] = [];
  for (const batch of batches) parts.push(joiner.add(await encoded(folder, batch.length > 0 ? [batch] : [])));
  return Buffer.concat([...parts, joiner.finish()]);
}

const manyHits = (count: number, first: number): Hit[] =>
  Array.from({ length: count }, (_, i) => ({
    query: `q${Math.floor((first + i) / 10)}`,
    target: `t${((first + i) * 7919) % 99_991}`,
    distance: (i % 100) / 100,
    bucket: 'bucket_00001',
  }));

describe('RowGroupJoiner', () => {
  it('gives the bytes that the encoder gives of all row groups', async () => {
    const folder = await temporaryFolder();
    // Sixteen row groups are more than the short form of a list has.
    for (const [groups, last] of [
      [0, 1],
      [1, 0],
      [1, 500],
      [3, 7],
      [16, 1],
    ] as const) {
      const sizes = [...new Array<number>(groups).fill(HITS_ROW_GROUP), last];
      const batches = sizes.map((size, i) => manyHits(size, i * HITS_ROW_GROUP));
      const whole = await encoded(
        folder,
        batches.filter(({ length }) => length > 0),
      );
      expect((await joined(folder, batches)).equals(whole)).toBe(true);
    }
  });

  it('gives the bytes of a file that it gets alone, whatever the hits', async () => {
    const folder = await temporaryFolder();
    await fc.assert(
      fc.asyncProperty(hits, async (some) => {
        expect((await joined(folder, [some])).equals(await encoded(folder, some.length > 0 ? [some] : []))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('refuses what is no Parquet file', async () => {
    expect(() => new RowGroupJoiner().add(Buffer.alloc(50, 1))).toThrow(RangeError);
  });
});
