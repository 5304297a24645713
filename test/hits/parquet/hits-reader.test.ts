import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Dictionary,
  Float32,
  Int32,
  LargeUtf8,
  tableFromArrays,
  tableToIPC,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import { Table, WriterPropertiesBuilder, writeParquet } from 'parquet-wasm';
import { describe, expect, it } from 'vitest';
import { hitRows } from '../../../workers/src/hits/columns.ts';
import { inspectHits, readHits } from '../../../workers/src/hits/parquet/hits-reader.ts';
import { createHits } from '../../../workers/src/hits/parquet/hits-writer.ts';
import { type Hit, hitsIn, packedHits } from '../../support/hits.ts';
import { missingPython, python, temporaryFolder } from '../../support/run.ts';

type Columns = Record<string, readonly string[] | Float32Array | Float64Array | Int32Array | Vector>;

/** Writes a Parquet file like another tool, in row groups of four rows. */
async function foreign(columns: Columns): Promise<string> {
  const path = join(await temporaryFolder(), 'hits.parquet');
  const table = Table.fromIPCStream(tableToIPC(tableFromArrays(columns as Record<string, Float32Array>), 'stream'));
  await writeFile(path, writeParquet(table, new WriterPropertiesBuilder().setMaxRowGroupSize(4).build()));
  return path;
}

async function read(path: string): Promise<Hit[]> {
  const rows: Hit[] = [];
  for await (const hits of readHits(path)) rows.push(...hitsIn(hits));
  return rows;
}

const HITS: Hit[] = Array.from({ length: 10 }, (_, i) => ({
  query: `q${i >> 2}`,
  target: `é${i}`,
  distance: i / 8,
  bucket: 'b1',
}));
const texts = (key: 'query' | 'target' | 'bucket') => HITS.map((hit) => hit[key]);
const distances = Float32Array.from(HITS, ({ distance }) => distance);
const GOOD = { query_id: texts('query'), target_id: texts('target'), distance: distances, bucket: texts('bucket') };

describe('readHits', () => {
  it.each([
    ['text', () => new Utf8()],
    ['large text', () => new LargeUtf8()],
    ['dictionaries', () => new Dictionary(new Utf8(), new Int32())],
  ])('reads what other tools write: %s, in any order of columns', async (_, type) => {
    const path = await foreign({
      bucket: vectorFromArray(texts('bucket'), type() as Utf8),
      target_id: vectorFromArray(texts('target'), type() as Utf8),
      score: new Float64Array(10),
      distance: distances,
      query_id: vectorFromArray(texts('query'), type() as Utf8),
    });
    expect(await read(path)).toEqual(HITS);
    expect(await inspectHits(path)).toMatchObject({ rows: 10, ordered: false });
  });

  it('reads files that pandas writes', async () => {
    if (missingPython()) return;
    const path = join(await temporaryFolder(), 'hits.parquet');
    await python(
      `import sys, json, pandas as pd
d = pd.DataFrame(json.loads(sys.argv[2])).rename(columns={"query": "query_id", "target": "target_id"})
d.astype({"distance": "float32", "bucket": "category"}).to_parquet(sys.argv[1])`,
      path,
      JSON.stringify(HITS),
    );
    expect(await read(path)).toEqual(HITS);
  });

  it('reads files that LanceFlow writes, with and without the bucket in the metadata', async () => {
    const folder = await temporaryFolder();
    for (const metadata of [{}, { 'lanceflow.bucket': 'b1' }] as Record<string, string>[]) {
      const path = join(folder, `${Object.keys(metadata).length}.parquet`);
      const writer = await createHits(path, metadata);
      await writer.append({ ...packedHits(HITS), bucket: 'b1' });
      await writer.finish();
      expect(await read(path)).toEqual(HITS);
      expect(await inspectHits(path)).toMatchObject({ rows: 10, ordered: true });
    }
  });

  it('trusts the metadata only of LanceFlow’s files, because other tools copy it into theirs', async () => {
    if (missingPython()) return;
    const folder = await temporaryFolder();
    const [ours, theirs] = [join(folder, 'ours.parquet'), join(folder, 'theirs.parquet')];
    const writer = await createHits(ours, { 'lanceflow.bucket': 'b1' });
    await writer.append({ ...packedHits(HITS), bucket: 'b1' });
    await writer.finish();
    const code = `
import sys, pyarrow as pa, pyarrow.parquet as pq
t = pq.read_table(sys.argv[1])
t = t.set_column(3, "bucket", pa.array(["other"] * t.num_rows))
pq.write_table(t.take(list(range(t.num_rows))[::-1]), sys.argv[2])`;
    await python(code, ours, theirs);
    expect(await inspectHits(theirs)).toMatchObject({ ordered: false });
    expect(await read(theirs)).toEqual(HITS.map((hit) => ({ ...hit, bucket: 'other' })).reverse());
  });

  it('keeps batches small if ids are long', async () => {
    const hits = Array.from({ length: 600 }, (_, i) => ({
      query: 'q'.repeat(10_000),
      target: `${'t'.repeat(10_000)}${i}`,
      distance: 0,
      bucket: 'b',
    }));
    const path = await foreign({
      query_id: hits.map(({ query }) => query),
      target_id: hits.map(({ target }) => target),
      distance: new Float32Array(600),
      bucket: hits.map(({ bucket }) => bucket),
    });
    let rows = 0;
    for await (const batch of readHits(path)) {
      expect(batch.queryIds.bytes.length + batch.targetIds.bytes.length).toBeLessThan(3e6);
      rows += hitRows(batch);
    }
    expect(rows).toBe(600);
  });

  const { bucket: _, ...noBucket } = GOOD;
  it.each([
    ['a column is missing', noBucket, /has no column bucket \(its columns: query_id, target_id, distance\)/],
    [
      'a distance is a double',
      { ...GOOD, distance: new Float64Array(10) },
      /distance has type Float64; it must be float32/,
    ],
    ['an id is a number', { ...GOOD, target_id: new Int32Array(10) }, /target_id has type Int32; it must be text/],
  ])('refuses a file where %s', async (_, columns, message) => {
    const path = await foreign(columns as Columns);
    await expect(inspectHits(path)).rejects.toThrow(message);
    await expect(inspectHits(path)).rejects.toThrow(path);
    await expect(read(path)).rejects.toThrow(message);
  });

  it('names the row group and the row of a distance that is not a number', async () => {
    const path = await foreign({ ...GOOD, distance: distances.map((value, i) => (i === 6 ? Number.NaN : value)) });
    await expect(read(path)).rejects.toThrow('the distance in row group 1, row 6 is not a number');
  });

  it('names the row group and the rows of a missing value', async () => {
    const ids: (string | null)[] = texts('target');
    ids[9] = null;
    const path = await foreign({ ...GOOD, target_id: vectorFromArray(ids, new Utf8()) });
    await expect(read(path)).rejects.toThrow('column target_id contains a null in row group 2, rows 8 to 9');
    const large = await foreign({ ...GOOD, distance: vectorFromArray([...distances.slice(1), null], new Float32()) });
    await expect(read(large)).rejects.toThrow('column distance contains a null in row group 2');
  });
});
