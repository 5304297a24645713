import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { columnFrom } from '../../../workers/src/base/bytes/utf8-column.ts';
import { seededRandom } from '../../../workers/src/base/random.ts';
import { Database } from '../../../workers/src/database/database.ts';
import { createShard } from '../../../workers/src/shard/shard-writer.ts';
import { runHere } from '../../support/command.ts';
import { bruteForce, buildDatabase } from '../../support/database.ts';
import { sharedFolder } from '../../support/run.ts';
import { missingServer } from '../../support/s3.ts';
import { cost, withDatabases } from '../../support/s3-database.ts';
import { expectSameHits, searchHere } from '../../support/search.ts';
import { randomRows, sliceRows, writeShard } from '../../support/shards.ts';

const DATABASE = 's3://lance/kept';
const BUCKET = 'bucket_00001';
const DIMENSION = 32;

describe.skipIf(missingServer('moto'))('kept columns of a table on S3', () => {
  withDatabases();
  const rows = randomRows(6, 2000, DIMENSION);
  const queries = { ...sliceRows(rows, 0, 20), ids: Array.from({ length: 20 }, (_, i) => `q${i}`) };
  const taxa = rows.ids.map((_, row) => (row < 700 ? 'Bacteria' : 'Archaea'));
  const selected = bruteForce(queries, sliceRows(rows, 700, 2000), 'cosine', 5, BUCKET);
  let folder = '';
  let path = '';

  beforeAll(async () => {
    folder = await sharedFolder();
    const shard = await createShard(join(folder, 'a.h5'), DIMENSION, 'float32', [{ name: 'taxon', type: 'utf8' }]);
    shard.append(rows.vectors, columnFrom(rows.ids), { kept: [columnFrom(taxa)] });
    shard.finish({});
    path = await writeShard(join(folder, 'q.h5'), queries);
    await buildDatabase(folder, [join(folder, 'a.h5')], { database: DATABASE });
  });

  /** Data files of kept columns in a node's folder. */
  async function fetchedColumns(work: string): Promise<string[]> {
    const { fragments } = await (await Database.open(DATABASE)).requireEntry(BUCKET);
    const names = (await readdir(work, { recursive: true })).map((name) => name.slice(name.lastIndexOf('data/')));
    return fragments!.map(({ columns }) => columns!).filter((file) => names.includes(file));
  }

  it('are published, verified, and not fetched by a search', async () => {
    await expect(runHere(['verify', '--database', DATABASE])).resolves.toMatchObject({ rows: 2000 });
    for (const strategy of ['exact', 'scan', 'ann']) {
      const work = join(folder, strategy);
      await searchHere(folder, DATABASE, path, ['--k', '5', '--search', strategy, '--work', work]);
      expect(await fetchedColumns(work)).toEqual([]);
    }
  });

  it.each([
    ['exact', ['--search', 'exact'], 0],
    ['scan', ['--search', 'scan', '--nprobes', '99'], 0],
    ['ann', ['--search', 'ann', '--nprobes', '99', '--refine-factor', '400'], 1],
  ])('select rows in %s, which fetches them only where LanceDB filters', async (name, options, fetched) => {
    const work = join(folder, `${name}-where`);
    for (const how of [['--work', work], ['--stream']]) {
      const where = ['--where', "taxon = 'Archaea'", ...options, ...how];
      const { hits } = await searchHere(folder, DATABASE, path, ['--k', '5', ...where]);
      expectSameHits(hits, selected, 1e-5);
    }
    expect(await fetchedColumns(work)).toHaveLength(fetched);
  });

  it('are fetched for a filter of LanceDB also where no vectors are', async () => {
    const options = ['--k', '5', '--search', 'ann', '--nprobes', '99', '--refine-factor', '0'];
    const where = ['--where', "taxon = 'Archaea'", ...options];
    const fetched = await searchHere(folder, DATABASE, path, [...where, '--work', join(folder, 'codes-where')]);
    const streamed = await searchHere(folder, DATABASE, path, [...where, '--stream']);
    expect(fetched.hits).toHaveLength(100);
    expect(fetched.hits).toEqual(streamed.hits);
  });

  it.each(['ivf-rq', 'ivf-pq'])('are not fetched for an index, and are in its table: %s', async (kind) => {
    const database = `s3://lance/indexed-${kind}`;
    const random = seededRandom(9);
    const letters = () =>
      Array.from({ length: 600 }, () => String.fromCharCode(33 + Math.floor(90 * random()))).join('');
    const texts = rows.ids.map(letters);
    const shard = await createShard(join(folder, 'long.h5'), DIMENSION, 'float32', [{ name: 'text', type: 'utf8' }]);
    shard.append(rows.vectors, columnFrom(rows.ids), { kept: [columnFrom(texts)] });
    shard.finish({});
    const plan = join(folder, `${kind}.json`);
    const packing = ['--input', join(folder, 'long.h5'), '--keep', 'text', '--database', database, '--output', plan];
    await runHere(['pack-buckets', ...packing]);
    await runHere(['ingest-bucket', '--plan', plan, '--bucket', BUCKET, '--database', database]);
    const indexing = ['index-bucket', '--bucket', BUCKET, '--database', database, '--index', kind];
    const { received } = await cost(() => runHere(indexing));
    const { files, fragments } = await (await Database.open(database)).requireEntry(BUCKET);
    const columns = files.filter(({ path: file }) => fragments!.some((fragment) => fragment.columns === file));
    const columnBytes = columns.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(columnBytes).toBeGreaterThan(800_000);
    expect(received).toBeLessThan(columnBytes);
    await expect(runHere(['verify', '--database', database])).resolves.toMatchObject({ rows: 2000 });
    const where = ['--where', `text = '${texts[1234]!.replaceAll("'", "''")}'`, '--k', '3'];
    const { hits } = await searchHere(folder, database, path, where);
    expect(new Set(hits.map(({ target }) => target))).toEqual(new Set([rows.ids[1234]]));
  });

  it('select rows without reading the vectors', async () => {
    const none = ['--search', 'exact', '--stream', '--where', "taxon = 'Eukaryota'"];
    const { result, received } = await cost(() => searchHere(folder, DATABASE, path, none));
    expect(result.hits).toEqual([]);
    expect(received).toBeLessThan(rows.vectors.byteLength / 2);
  });
});
