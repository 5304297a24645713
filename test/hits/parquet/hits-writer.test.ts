import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { columnFrom } from '../../../workers/src/base/bytes/utf8-column.ts';
import { seededRandom } from '../../../workers/src/base/random.ts';
import { createHits } from '../../../workers/src/hits/parquet/hits-writer.ts';
import { missingPython, python, temporaryFolder } from '../../support/run.ts';

const READ = `
import sys, json, pyarrow.parquet as pq
f = pq.ParquetFile(sys.argv[1])
print(json.dumps({"rows": f.read().to_pylist(), "types": [str(x.type) for x in f.schema_arrow],
  "nullable": [x.nullable for x in f.schema_arrow], "metadata": json.loads(f.metadata.metadata[b"lanceflow"])["model"]}))`;

describe('createHits', () => {
  it('writes columns that pyarrow reads as plain and required', async () => {
    if (missingPython()) return;
    const path = join(await temporaryFolder(), 'hits.parquet');
    const writer = await createHits(path, { model: 'kmer' });
    const ids = ['', 'a"b,\n', 'é', '😀'.repeat(2500)];
    await writer.append({
      queryIds: columnFrom(ids),
      targetIds: columnFrom([...ids].reverse()),
      distances: Float32Array.of(0, 0.1, 0.25, 2),
      bucket: 'bucket_00001',
    });
    await writer.append({
      queryIds: columnFrom([]),
      targetIds: columnFrom([]),
      distances: new Float32Array(0),
      bucket: 'x',
    });
    expect(await writer.finish()).toBe((await stat(path)).size);
    const read = await python<Record<string, unknown>>(READ, path);
    expect(read).toEqual({
      rows: ids.map((id, row) => ({
        query_id: id,
        target_id: ids[3 - row],
        distance: Float32Array.of(0, 0.1, 0.25, 2)[row],
        bucket: 'bucket_00001',
      })),
      types: ['string', 'string', 'float', 'string'],
      nullable: [false, false, false, false],
      metadata: 'kmer',
    });
  });

  it('writes a readable file without rows', async () => {
    if (missingPython()) return;
    const path = join(await temporaryFolder(), 'hits.parquet');
    await (await createHits(path, { model: 'kmer' })).finish();
    expect(await python(READ, path)).toMatchObject({ rows: [] });
  });

  it('writes the same bytes, including metadata, for the same rows', async () => {
    const folder = await temporaryFolder();
    const files = [];
    for (let i = 0; i < 8; i++) {
      const path = join(folder, `${i}.parquet`);
      const writer = await createHits(path, { 'lanceflow.bucket': 'b', model: 'kmer', other: 'x' });
      const [queryIds, targetIds] = [columnFrom(['q']), columnFrom(['t'])];
      await writer.append({ queryIds, targetIds, distances: Float32Array.of(1), bucket: 'b' });
      await writer.finish();
      files.push(await readFile(path));
    }
    for (const file of files) expect(file.equals(files[0]!)).toBe(true);
  });

  it('deletes an abandoned file', async () => {
    const path = join(await temporaryFolder(), 'hits.parquet');
    const writer = await createHits(path);
    await writer.abandon();
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  it('refuses columns of different lengths', async () => {
    const writer = await createHits(join(await temporaryFolder(), 'hits.parquet'));
    const batch = {
      queryIds: columnFrom(['a']),
      targetIds: columnFrom([]),
      distances: Float32Array.of(1),
      bucket: 'b',
    };
    expect(() => writer.append(batch)).toThrow(RangeError);
    await writer.abandon();
  });

  it('reports a full disk instead of waiting forever', async () => {
    const writer = await createHits('/dev/full');
    const random = () => Float32Array.from({ length: 50_000 }, seededRandom(5));
    const ids = columnFrom(Array.from({ length: 50_000 }, (_, i) => `id${i}`));
    await expect(
      (async () => {
        for (let i = 0; i < 8; i++)
          await writer.append({ queryIds: ids, targetIds: ids, distances: random(), bucket: 'b' });
        await writer.finish();
      })(),
    ).rejects.toThrow('ENOSPC');
  });
});
