import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { s3Usage } from '../../../workers/src/app/usage.ts';
import { type CatalogEntry, fingerprint } from '../../../workers/src/database/catalog/catalog-entry.ts';
import { Database } from '../../../workers/src/database/database.ts';
import { s3Store } from '../../../workers/src/database/s3/s3-store.ts';
import { listObjects } from '../../../workers/src/s3/objects.ts';
import { downloadFiles } from '../../../workers/src/s3/transfer/download.ts';
import { runHere } from '../../support/command.ts';
import { bruteForce, buildDatabase, readHitRows } from '../../support/database.ts';
import { lanceflowJson, sharedFolder, temporaryFolder } from '../../support/run.ts';
import { missingServer } from '../../support/s3.ts';
import { at, cost, objectsOf, withDatabases } from '../../support/s3-database.ts';
import { randomRows, sliceRows, writeShard } from '../../support/shards.ts';

const DATABASE = 's3://lance/db';
const ROWS = 3000;
const DIMENSION = 64;

describe.skipIf(missingServer('moto'))('search-bucket on S3', () => {
  withDatabases();
  const rows = randomRows(1, ROWS, DIMENSION);
  const queries = { ...randomRows(2, 30, DIMENSION, 'q') };
  let folder = '';
  let local = '';
  let entry: CatalogEntry;
  let bytes: { data: number; index: number; vectors: number };

  beforeAll(async () => {
    folder = await sharedFolder();
    const shard = await writeShard(join(folder, 'a.h5'), rows);
    await writeShard(join(folder, 'q.h5'), queries);
    const work = ['--work', join(folder, 'build')];
    await buildDatabase(folder, [shard], { database: DATABASE, ingest: work, index: work });
    // The same database in a folder.
    local = join(folder, 'local');
    const remote = await at('db');
    const store = await Database.open(DATABASE);
    [entry] = (await store.entries()) as [CatalogEntry];
    for await (const object of listObjects(remote, '')) {
      const [checksum = ''] = await store.tables.checksums([object]);
      await mkdir(dirname(join(local, object.path)), { recursive: true });
      await downloadFiles(remote, [
        { key: object.path, path: join(local, object.path), bytes: object.bytes, checksum },
      ]);
    }
    const sum = (prefix: string) =>
      entry.files.filter(({ path }) => path.startsWith(prefix)).reduce((total, file) => total + file.bytes, 0);
    bytes = { data: sum('data/'), index: sum('_indices/'), vectors: ROWS * DIMENSION * 4 };
  });

  async function search(database: string, ...options: string[]) {
    const output = join(await temporaryFolder(), 'hits.parquet');
    const argv = ['search-bucket', '--bucket', 'bucket_00001', '--database', database, '--k', '5', ...options];
    const spent = await cost(() => runHere([...argv, '--queries', join(folder, 'q.h5'), '--output', output]));
    return { ...spent, hits: await readFile(output), output };
  }

  const SCAN = ['--search', 'scan', '--nprobes', '6'];
  const ANN = ['--search', 'ann', '--nprobes', '12'];

  it.each([
    ['exact', ['--search', 'exact'], (b: typeof bytes) => [b.data, b.data + 0.9 * b.index]],
    ['scan', SCAN, (b: typeof bytes) => [b.data, b.data + 0.9 * b.index]],
    ['ann', ANN, (b: typeof bytes) => [b.data + b.index, 1.1 * (b.data + b.index)]],
    ['ann without refine', [...ANN, '--refine-factor', '0'], (b: typeof bytes) => [b.index, b.index + 0.5 * b.vectors]],
    ['auto', [], (b: typeof bytes) => [b.data, b.data + 0.9 * b.index]],
  ])(
    '%s finds the same hits as on disk, and fetches only what it needs, once for all tasks of a node',
    async (name, options, range) => {
      const [least, most] = range(bytes) as [number, number];
      const work = ['--work', await temporaryFolder()];
      const first = await search(DATABASE, ...options, ...work);
      if (name !== 'auto') expect(first.hits.equals((await search(local, ...options)).hits)).toBe(true);
      expect(first.received).toBeGreaterThan(least);
      expect(first.received).toBeLessThan(most);
      expect(first.sent).toBe(0);
      const second = await search(DATABASE, ...options, ...work);
      if (name !== 'auto') expect(second.hits.equals(first.hits)).toBe(true);
      // Only the catalog entry.
      expect(second.received).toBeLessThan(20_000);
    },
  );

  it('finds the same hits where the catalog has the CRC-32 of earlier versions', async () => {
    const remote = await at('db');
    const store = s3Store(remote);
    const key = '_catalog/bucket_00001.json';
    const text = (await store.read(key))!;
    const old = JSON.parse(text) as CatalogEntry;
    const withCrc32 = (file: { path: string; checksum?: string }, content: Buffer) => ({
      ...{ ...file, checksum: undefined },
      crc32: crc32(content).toString(16).padStart(8, '0'),
    });
    const contentOf = (path: string) => readFile(join(local, path));
    const files = await Promise.all(
      old.files.map(async (file) => withCrc32(file, await contentOf(`bucket_00001.lance/${file.path}`))),
    );
    const fragments = await Promise.all(
      old.fragments!.map(async (fragment) => {
        const content = await contentOf(`bucket_00001.lance/${fragment.path}`);
        const end = fragment.offset + fragment.rows * DIMENSION * 4;
        return withCrc32(fragment, Buffer.concat([content.subarray(0, fragment.offset), content.subarray(end)]));
      }),
    );
    const partitions = withCrc32(old.partitions!, await contentOf(old.partitions!.path));
    const { checksum: _, ...facts } = { ...old, checksum: '', files, fragments, partitions };
    await store.write(key, JSON.stringify({ ...facts, fingerprint: fingerprint(facts as never) }));
    try {
      // The fingerprint in the hits' metadata differs, so rows are compared.
      for (const options of [SCAN, [...ANN, '--refine-factor', '0']])
        expect(await readHitRows((await search(DATABASE, ...options)).output)).toEqual(
          await readHitRows((await search(local, ...options)).output),
        );
      await runHere(['verify', '--database', DATABASE, '--work', folder]);
      files.find(({ path }) => path.startsWith('data/'))!.crc32 = '00000000';
      const { checksum: _, ...facts } = { ...old, checksum: '', files, fragments, partitions };
      await store.write(key, JSON.stringify({ ...facts, fingerprint: fingerprint(facts as never) }));
      await expect(search(DATABASE, ...SCAN)).rejects.toThrow(
        /damaged: its checksum is crc32:[0-9a-f]{8}, not crc32:0/,
      );
    } finally {
      await store.write(key, text);
    }
  });

  it('fetches a bucket once for tasks that start together', async () => {
    const work = ['--work', await temporaryFolder()];
    const before = s3Usage();
    const [one, other] = await Promise.all([0, 1].map(() => search(DATABASE, '--search', 'exact', ...work)));
    expect(one!.hits.equals(other!.hits)).toBe(true);
    expect(s3Usage().receivedBytes - before.receivedBytes).toBeLessThan(1.2 * bytes.data + 40_000);
  });

  it('finds the true neighbours', async () => {
    const { output } = await search(DATABASE, '--search', 'exact');
    const expected = bruteForce(queries, rows, 'cosine', 5, 'bucket_00001');
    expect((await readHitRows(output)).map(({ query, target }) => [query, target])).toEqual(
      expected.map(({ query, target }) => [query, target]),
    );
  });

  it('measures recall where the search itself needs no vectors', async () => {
    const { result } = await search(DATABASE, '--search', 'ann', '--target-recall', '0.9', '--refine-factor', '0');
    expect(result).toMatchObject({ mode: 'ann' });
    expect((result.recall as { mean: number }).mean).toBeGreaterThan(0.85);
  });

  it.each([
    ['exact', ['--search', 'exact']],
    ['scan', ['--search', 'scan', '--nprobes', '1']],
    ['ann', ANN],
  ])('%s reads the table in place with --stream, and stores nothing', async (name, options) => {
    const work = await temporaryFolder();
    const streamed = await search(DATABASE, ...options, '--stream', '--work', work);
    expect(streamed.hits.equals((await search(local, ...options)).hits)).toBe(true);
    expect(await readdir(work)).toEqual([]);
    // Requests by LanceDB are not counted.
    if (name === 'scan') expect(streamed.received).toBeLessThan(0.9 * bytes.vectors);
  });

  it('without --work leaves nothing behind', async () => {
    const objects = await objectsOf(await at('db'));
    const cwd = await temporaryFolder();
    const argv = ['search-bucket', '--bucket', 'bucket_00001', '--database', DATABASE, '--search', 'exact'];
    await lanceflowJson([...argv, '--queries', join(folder, 'q.h5'), '--output', 'hits.parquet'], { cwd });
    expect(await readdir(cwd)).toEqual(['hits.parquet']);
    expect(await objectsOf(await at('db'))).toEqual(objects);
  });

  it('reports a table that is being deleted', async () => {
    const remote = await at('deleted');
    const shard = await writeShard(join(folder, 'b.h5'), sliceRows(rows, 0, 300));
    const database = 's3://lance/deleted';
    await buildDatabase(await temporaryFolder(), [shard], { database });
    const { removeObjects } = await import('../../../workers/src/s3/objects.ts');
    const data = [...(await objectsOf(remote)).keys()].filter((path) => path.includes('/data/'));
    await removeObjects(remote, data);
    for (const options of [[], ['--stream']])
      await expect(search(database, '--search', 'exact', ...options)).rejects.toThrow(
        /bucket_00001\.lance\/data\/.*(no such object|is missing)/,
      );
  });
});
