import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspectHits } from '../../workers/src/hits/parquet/hits-reader.ts';
import { createHits, writeHits } from '../../workers/src/hits/parquet/hits-writer.ts';
import { createNeighbours } from '../../workers/src/hits/parquet/neighbours-writer.ts';
import { mergeFiles } from '../../workers/src/merge/merge-files.ts';
import { isSorted, sortHits } from '../../workers/src/merge/sort-hits.ts';
import { type Hit, hits, type Neighbour, naiveMerge, neighboursOf, packedHits, sortedHits } from '../support/hits.ts';
import { temporaryFolder } from '../support/run.ts';

/** Hits in the form that a pass over many files writes; their ranks are not used. */
const neighbourColumns = (hits: readonly Hit[]) => ({ ...packedHits(hits), ranks: new Int32Array(hits.length) });

async function* batches(hits: readonly Hit[], size: number) {
  for (let start = 0; start < hits.length; start += size) yield neighbourColumns(hits.slice(start, start + size));
}

/** Hits of several buckets in files, sorted. */
async function writeAll(folder: string, files: readonly (readonly Hit[])[]) {
  const paths = files.map((_, i) => join(folder, `hits${i}.parquet`));
  for (const [i, file] of files.entries()) await writeHits(paths[i]!, batches(sortedHits(file), 7));
  return Promise.all(paths.map(inspectHits));
}

async function merge(files: Awaited<ReturnType<typeof writeAll>>, k: number, scratch: string, memoryBytes: number) {
  const rows: Neighbour[] = [];
  const log: string[] = [];
  let read = 0;
  const onRows = (count: number) => {
    read += count;
  };
  const options = {
    k,
    threads: 2,
    hasPValues: false,
    memoryBytes,
    scratch,
    log: (line: string) => log.push(line),
    onRows,
  };
  for await (const batch of mergeFiles(files, options)) rows.push(...neighboursOf(batch));
  return { rows, log, read };
}

describe('mergeFiles', () => {
  it('equals a naive merge of real files', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(hits, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 6 }),
        async (files, k) => {
          const folder = await temporaryFolder();
          const { rows } = await merge(await writeAll(folder, files), k, folder, 2 ** 30);
          expect(rows).toEqual(naiveMerge(files.flat(), k));
        },
      ),
      { numRuns: 5 },
    );
  });

  it('uses temporary files if there are too many to open at once', async () => {
    const folder = await temporaryFolder();
    const scratch = await temporaryFolder();
    const files = Array.from({ length: 17 }, (_, file) =>
      Array.from({ length: 20 }, (_, i) => ({
        query: `q${i % 5}`,
        target: `t${(i * 7 + file) % 50}`,
        distance: ((i * file) % 11) / 4,
        bucket: `b${file}`,
      })),
    );
    const { rows, log, read } = await merge(await writeAll(folder, files), 6, scratch, 2 ** 17);
    expect(rows).toEqual(naiveMerge(files.flat(), 6));
    expect(log[0]).toMatch(/merging 17 files through 9 temporary files/);
    expect(read).toBe(340);
    expect((await readdir(scratch)).length).toBeGreaterThanOrEqual(9);
  });

  it('fails with the reason of a failed thread, in any pass', async () => {
    const folder = await temporaryFolder();
    const hit = (file: number) => [{ query: 'q', target: 't', distance: 0, bucket: `b${file}` }];
    const files = await writeAll(
      folder,
      Array.from({ length: 9 }, (_, file) => hit(file)),
    );
    await writeFile(files[4]!.path, 'PAR1 and no more');
    for (const memoryBytes of [2 ** 30, 2 ** 17])
      await expect(merge(files, 5, folder, memoryBytes)).rejects.toMatchObject({
        exitCode: 65,
        message: expect.stringMatching(/hits4\.parquet: cannot read its footer/),
      });
  });

  it('refuses ids that are not text', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'n.parquet');
    const hit = { query: 'q', target: 'TARGET', distance: 0, bucket: 'b' };
    const writer = await createNeighbours(path, 'none');
    await writer.append(neighbourColumns([hit]));
    await writer.finish();
    const bytes = await readFile(path);
    bytes[bytes.indexOf('TARGET')] = 0xff;
    await writeFile(path, bytes);
    await expect(merge([await inspectHits(path)], 5, folder, 2 ** 30)).rejects.toThrow(
      /n\.parquet: an id is not UTF-8/,
    );
  });

  it('names a file that is out of order although marked as sorted', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'hits.parquet');
    const writer = await createHits(path);
    const wrong = [2, 1].map((distance) => ({ query: 'q', target: 't', distance, bucket: 'b' }));
    await writer.append({ ...packedHits(wrong), bucket: 'b' });
    await writer.finish();
    await expect(merge([await inspectHits(path)], 5, folder, 2 ** 30)).rejects.toThrow(
      `${path}: row 1 is out of order`,
    );
  });
});

describe('sortHits', () => {
  it('sorts a file that is larger than a chunk', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'hits.parquet');
    const unsorted = Array.from({ length: 7000 }, (_, i) => ({
      query: `q${(i * 7919) % 100}`,
      target: `t${i}`,
      distance: i % 3,
      bucket: 'b',
    }));
    await writeHits(path, batches(unsorted, 500));
    expect(await isSorted(path)).toBe(false);
    const sorted = await sortHits(path, folder, 'sorted', { rows: 3000, bytes: 2 ** 20 });
    expect(sorted).toHaveLength(3);
    const files = await Promise.all(sorted.map(inspectHits));
    expect(files.reduce((sum, { rows }) => sum + rows, 0)).toBe(7000);
    expect(await Promise.all(sorted.map(isSorted))).toEqual([true, true, true]);
    const { rows } = await merge(files, 2, folder, 2 ** 30);
    expect(rows.map(({ target }) => target)).toEqual(naiveMerge(unsorted, 2).map(({ target }) => target));
  });
});
