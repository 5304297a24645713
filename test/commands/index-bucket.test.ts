import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CRC64 } from '../../workers/src/base/bytes/checksum.ts';
import type { CatalogEntry } from '../../workers/src/database/catalog/catalog-entry.ts';
import { INDEX_KINDS } from '../../workers/src/index/index-plan.ts';
import { connect } from '../../workers/src/lance/lancedb.ts';
import { METRICS } from '../../workers/src/vectors/metric.ts';
import { runHere } from '../support/command.ts';
import { buildDatabase, namesIn } from '../support/database.ts';
import { expectRefusal, expectRefusalHere } from '../support/refusal.ts';
import { lanceflow, lanceflowJson, sharedFolder, temporaryFolder } from '../support/run.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../support/shards.ts';
import { readTable } from '../support/table.ts';

const BUCKET = ['--bucket', 'bucket_00001'];

/** Builds a database with one bucket, ingested but not indexed. */
async function ingested(folder: string, rows: Rows, ...options: string[]): Promise<string> {
  const [plan, database] = [join(folder, 'plan.json'), join(folder, 'db')];
  const shard = await writeShard(join(folder, 's.h5'), rows, { model: 'm' });
  await runHere(['pack-buckets', '--input', shard, '--output', plan, '--database', database]);
  await runHere(['ingest-bucket', '--plan', plan, ...BUCKET, '--database', database, ...options]);
  return database;
}

const readEntry = async (database: string) =>
  JSON.parse(await readFile(join(database, '_catalog', 'bucket_00001.json'), 'utf8')) as CatalogEntry;

/** Returns the identity of each data file, which must not be written again. */
async function dataFiles(database: string) {
  const folder = join(database, 'bucket_00001.lance', 'data');
  const names = (await readdir(folder)).sort();
  return Promise.all(names.map(async (name) => [name, (await stat(join(folder, name))).ino]));
}

describe('index-bucket', () => {
  it('indexes a table, enters the bucket in the catalog, and leaves no other file', async () => {
    const folder = await temporaryFolder();
    const database = await ingested(folder, randomRows(1, 2000, 32));
    const before = await dataFiles(database);
    const report = await lanceflowJson([
      'index-bucket',
      ...BUCKET,
      '--database',
      database,
      '--output',
      join(folder, 'entry.json'),
    ]);
    expect(report).toMatchObject({ command: 'index-bucket', rows: 2000, bucket: 'bucket_00001', alreadyDone: false });
    for (const field of ['seconds', 'cpuSeconds', 'bytes', 'peakMemoryBytes']) expect(report[field]).toBeGreaterThan(0);
    const entry = await readEntry(database);
    expect(entry).toMatchObject({
      version: 1,
      bucket: 'bucket_00001',
      rows: 2000,
      dimension: 32,
      metric: 'cosine',
      model: { model: 'm' },
      index: { kind: 'ivf-rq', metric: 'cosine', partitions: 44, centroids: 'order' },
      bytes: report.bytes,
    });
    expect(await readFile(join(folder, 'entry.json'), 'utf8')).toBe(
      await readFile(join(database, '_catalog', 'bucket_00001.json'), 'utf8'),
    );
    // The catalog lists exactly the files of the table.
    const table = join(database, 'bucket_00001.lance');
    const names = (await readdir(table, { recursive: true, withFileTypes: true }))
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name).slice(table.length + 1));
    expect(entry.files.map(({ path }) => path).sort()).toEqual(names.sort());
    for (const { path, bytes, checksum } of entry.files) {
      const content = await readFile(join(table, path));
      expect([content.length, CRC64.format(CRC64.of(content))]).toEqual([bytes, checksum]);
    }
    expect(await dataFiles(database)).toEqual(before);
    const left = (await namesIn(database)).filter((name) => !name.startsWith('bucket_00001.lance/'));
    expect(left.filter((name) => !name.startsWith('_partitions'))).toEqual([
      '_catalog',
      '_catalog/bucket_00001.json',
      '_pending',
      'bucket_00001.lance',
    ]);
    expect((await readTable(database, 'bucket_00001')).version).toBe(entry.tableVersion);
    const opened = await (await connect(database)).openTable('bucket_00001');
    const [config] = await opened.listIndices();
    expect(await opened.indexStats(config!.name)).toMatchObject({
      indexType: 'IVF_RQ',
      distanceType: 'cosine',
      numIndexedRows: 2000,
      numUnindexedRows: 0,
    });
    opened.close();
  });

  it('indexes a bucket once; another kind of index replaces only the first', async () => {
    const folder = await temporaryFolder();
    const database = await ingested(folder, randomRows(2, 1500, 16), '--metric', 'l2');
    const index = (...options: string[]) => runHere(['index-bucket', ...BUCKET, '--database', database, ...options]);
    expect(await index()).toMatchObject({ alreadyDone: false });
    const [first, data] = [await readEntry(database), await dataFiles(database)];
    expect(await index()).toMatchObject({ alreadyDone: true, bytes: first.bytes });
    expect(await readEntry(database)).toEqual(first);
    expect(await index('--index', 'ivf-pq')).toMatchObject({ alreadyDone: false, index: { kind: 'ivf-pq' } });
    const second = await readEntry(database);
    expect(second.fingerprint).not.toBe(first.fingerprint);
    expect(second).toMatchObject({ recipe: first.recipe, metric: 'l2', sources: first.sources });
    expect(await dataFiles(database)).toEqual(data);
    expect(await readdir(join(database, 'bucket_00001.lance', '_indices'))).toHaveLength(1);
    expect(await readdir(join(database, 'bucket_00001.lance', '_versions'))).toHaveLength(1);
    expect(await readdir(join(database, '_pending'))).toEqual([]);
  });

  it('builds in another folder, on another file system too, and leaves no file there', async () => {
    const folder = await temporaryFolder();
    const database = await ingested(folder, randomRows(3, 500, 8));
    const work = join(existsSync('/dev/shm') ? '/dev/shm' : folder, `lanceflow-index-${process.pid}`);
    await runHere(['index-bucket', ...BUCKET, '--database', database, '--work', work]);
    expect(await namesIn(work)).toEqual([]);
    await rm(work, { recursive: true });
    const links = await readdir(join(database, 'bucket_00001.lance'), { recursive: true, withFileTypes: true });
    expect(links.filter((entry) => entry.isSymbolicLink())).toEqual([]);
    const search = ['search-bucket', ...BUCKET, '--database', database, '--queries', join(folder, 's.h5')];
    const report = await runHere([...search, '--search', 'ann', '--k', '1', '--output', join(folder, 'h.parquet')]);
    expect(report).toMatchObject({ rows: 500 });
  });

  it('needs no temporary folder of the system', async () => {
    const folder = await temporaryFolder();
    const database = await ingested(folder, randomRows(3, 400, 8));
    const environment = { ...process.env, TMPDIR: '/nowhere' };
    const { code } = await lanceflow(['index-bucket', ...BUCKET, '--database', database], { env: environment });
    expect(code).toBe(0);
  });

  describe.each(METRICS)('for %s', (metric) => {
    const same = (rows: number, dimension: number): Rows => ({
      ...randomRows(1, rows, dimension),
      vectors: new Float32Array(rows * dimension).fill(0.5),
    });
    const opposite = (rows: number, dimension: number): Rows => ({
      ...randomRows(1, rows, dimension),
      vectors: Float32Array.from({ length: rows * dimension }, (_, i) => (Math.floor(i / dimension) % 2 ? 1 : -1)),
    });
    const hostile: Array<[string, Rows]> = [
      ['vectors of one component', randomRows(1, 300, 1)],
      ['1100 times the same vector', same(1100, 16)],
      ['two opposite vectors', opposite(600, 8)],
    ];
    const alike = randomRows(1, 900, 16);
    alike.vectors.forEach((x, i) => {
      alike.vectors[i] = 1 + x * 1e-3;
    });
    hostile.push(['900 vectors that are nearly the same', alike]);
    const small: Array<[string, Rows]> = [
      ['one row', randomRows(1, 1, 24)],
      ['255 rows, too few for an index', randomRows(1, 255, 24)],
      ['256 rows', randomRows(1, 256, 24)],
      ['a prime dimension', randomRows(1, 300, 97)],
    ];
    it.each(metric === 'cosine' ? [...small, ...hostile] : hostile)(
      'builds %s, and a search finds all rows',
      async (_, rows) => {
        const folder = await temporaryFolder();
        const database = await ingested(folder, rows, '--metric', metric);
        const queries = await writeShard(join(folder, 'q.h5'), sliceRows(rows, 0, 20));
        for (const kind of INDEX_KINDS) {
          await runHere(['index-bucket', ...BUCKET, '--database', database, '--index', kind]);
          const search = ['search-bucket', ...BUCKET, '--database', database, '--queries', queries];
          const options = ['--k', '3', '--nprobes', '1000', '--output', join(folder, 'h.parquet')];
          for (const mode of ['ann', 'exact', 'scan'])
            expect(await runHere([...search, ...options, '--search', mode])).toMatchObject({
              rows: Math.min(20, rows.ids.length) * Math.min(3, rows.ids.length),
            });
        }
      },
    );
  });

  describe('refuses', () => {
    let folder = '';
    let database = '';
    beforeAll(async () => {
      folder = await sharedFolder();
      const shard = await writeShard(join(folder, 's.h5'), randomRows(5, 400, 8));
      ({ database } = await buildDatabase(folder, [shard]));
    });
    const index = (...options: string[]) => ['index-bucket', ...options];

    it('a missing database, and creates none', async () => {
      const nowhere = join(folder, 'nowhere');
      await expectRefusal(index(...BUCKET, '--database', nowhere), 65, /nowhere: no such folder/);
      expect(existsSync(nowhere)).toBe(false);
      await expectRefusal(index(...BUCKET, '--database', join(folder, 's.h5')), 65, /s\.h5: no such folder/);
    });

    it('a bucket that is not ingested', async () => {
      await expectRefusal(
        index('--bucket', 'other', '--database', database),
        65,
        /other is not ingested.*ingest-bucket/,
      );
      const planned = join(folder, 'planned');
      const argv = [
        'pack-buckets',
        '--input',
        join(folder, 's.h5'),
        '--output',
        join(folder, 'p.json'),
        '--database',
        planned,
      ];
      await runHere(argv);
      const before = await namesIn(planned);
      await expectRefusal(index(...BUCKET, '--database', planned), 65, /bucket_00001 is not ingested/);
      expect(await namesIn(planned)).toEqual(before);
    });

    it.each(["'; rm -rf x", '$(touch x)', '../x', 'a/b', '..', ''])('the bucket name %j', async (name) => {
      await expectRefusalHere(index('--bucket', name, '--database', database), 64);
    });

    it('an index that does not exist', async () => {
      await expectRefusal(index(...BUCKET, '--database', database, '--index', 'hnsw'), 64, /hnsw.*ivf-pq/);
    });

    it('a missing or damaged table, until it is ingested again', async () => {
      const own = join(folder, 'damaged');
      await mkdir(own);
      const fresh = await ingested(own, randomRows(6, 400, 8));
      const argv = index(...BUCKET, '--database', fresh);
      const again = ['ingest-bucket', '--plan', join(own, 'plan.json'), ...BUCKET, '--database', fresh];
      const table = join(fresh, 'bucket_00001.lance');
      for (const indexed of [false, true]) {
        for (const damage of ['gone', 'cut']) {
          if (damage === 'gone') await rm(table, { recursive: true });
          else await truncate(join(table, 'data', (await readdir(join(table, 'data')))[0]!), 1000);
          await expectRefusal(
            argv,
            65,
            /bucket_00001\.lance: the table is missing, or not as ingest-bucket left it. Run ingest-bucket again/,
          );
          expect(await runHere(again)).toMatchObject({ alreadyDone: false, rows: 400 });
        }
        await runHere(argv);
        if (indexed) expect(await readEntry(fresh)).toMatchObject({ rows: 400 });
      }
      // A missing index is built again.
      await rm(join(table, '_indices'), { recursive: true });
      expect(await runHere(argv)).toMatchObject({ alreadyDone: false });
      expect(await runHere(argv)).toMatchObject({ alreadyDone: true });
    });

    it('a damaged catalog entry or ingest record', async () => {
      const own = join(folder, 'json');
      await mkdir(own);
      const fresh = await ingested(own, randomRows(6, 300, 8));
      const pending = join(fresh, '_pending', 'bucket_00001.json');
      await copyFile(pending, join(own, 'kept.json'));
      await writeFile(pending, '{"version":1,');
      await expectRefusal(
        index(...BUCKET, '--database', fresh),
        65,
        /_pending\/bucket_00001\.json: the ingest record is damaged/,
      );
      await copyFile(join(own, 'kept.json'), pending);
      await runHere(index(...BUCKET, '--database', fresh));
      await writeFile(join(fresh, '_catalog', 'bucket_00001.json'), '[]');
      await expectRefusal(
        index(...BUCKET, '--database', fresh),
        65,
        /_catalog\/bucket_00001\.json: the catalog entry is damaged/,
      );
    });
  });
});
