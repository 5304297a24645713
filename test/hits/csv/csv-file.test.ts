import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createCsv } from '../../../workers/src/hits/csv/csv-file.ts';
import { textCompression } from '../../../workers/src/hits/output/text-file.ts';
import { packedHits } from '../../support/hits.ts';
import { temporaryFolder } from '../../support/run.ts';

function batch(rows: number) {
  const hits = Array.from({ length: rows }, (_, i) => ({ query: 'q', target: `t${i}`, distance: 0.5, bucket: 'b' }));
  return { ...packedHits(hits), ranks: Int32Array.from(hits, (_, i) => i + 1) };
}

const EXPECTED = `query_id,rank,target_id,distance,bucket\n${Array.from({ length: 1000 }, (_, i) => `q,${i + 1},t${i},0.5,b\n`).join('')}`;

describe('createCsv', () => {
  it.each(['none', 'gzip', 'zstd'] as const)('writes all rows and returns the size (%s)', async (compression) => {
    const path = join(await temporaryFolder(), 'n.csv');
    const csv = await createCsv(path, compression);
    await csv.append(batch(1000));
    expect(await csv.finish()).toBe((await stat(path)).size);
    const bytes = await readFile(path);
    const plain = { none: () => bytes, gzip: () => gunzipSync(bytes), zstd: () => zstdDecompressSync(bytes) };
    expect(plain[compression]().toString()).toBe(EXPECTED);
  });

  it.each(['none', 'gzip', 'zstd'] as const)('reports a full disk (%s)', async (compression) => {
    const write = async () => {
      const csv = await createCsv('/dev/full', compression);
      for (let i = 0; i < 60; i++) await csv.append(batch(20_000));
      await csv.finish();
    };
    await expect(write()).rejects.toThrow('ENOSPC');
  });

  it('deletes an abandoned file', async () => {
    const folder = await temporaryFolder();
    const csv = await createCsv(join(folder, 'n.csv'), 'gzip');
    await csv.append(batch(10));
    await csv.abandon();
    expect(await readdir(folder)).toEqual([]);
  });

  it('chooses the compression by the name', () => {
    expect(['n.csv', 'n.csv.gz', 'n.csv.zst'].map(textCompression)).toEqual(['none', 'gzip', 'zstd']);
  });
});
