import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { s3Store } from '../../../workers/src/database/s3/s3-store.ts';
import { listObjects } from '../../../workers/src/s3/objects.ts';
import { openUploads } from '../../../workers/src/s3/transfer/open-uploads.ts';
import { runHere } from '../../support/command.ts';
import { buildDatabase } from '../../support/database.ts';
import { lanceflowJson, missingPython, python, sharedFolder } from '../../support/run.ts';
import { missingServer } from '../../support/s3.ts';
import { at, cost, objectsOf, withDatabases } from '../../support/s3-database.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../../support/shards.ts';

const BUCKET = ['--bucket', 'bucket_00001'];

describe.skipIf(missingServer('moto') || missingPython())('a database on S3', () => {
  withDatabases();
  let folder = '';
  let rows: Rows;
  let shards: string[];

  beforeAll(async () => {
    folder = await sharedFolder();
    rows = randomRows(1, 3000, 32);
    shards = [
      await writeShard(join(folder, 'a.h5'), sliceRows(rows, 0, 2000), { model: 'm' }),
      await writeShard(join(folder, 'b.h5'), sliceRows(rows, 2000, 3000), { model: 'm' }),
    ];
  });

  it('is built, listed and verified; other clients open it in place; a second run transfers nothing', async () => {
    const database = 's3://lance/some/proteins';
    const work = ['--work', await folderOf('work-a')];
    const { buckets } = await buildDatabase(folder, shards, { database, bucketSize: 2000, ingest: work, index: work });
    expect(buckets).toEqual(['bucket_00001', 'bucket_00002']);
    const s = await at('some/proteins');
    const objects = await objectsOf(s);
    const names = [...objects.keys()].map((path) => path.split('/')[0]);
    expect(new Set(names)).toEqual(new Set(['_catalog', '_partitions', 'bucket_00001.lance', 'bucket_00002.lance']));

    const { entries } = await runHere(['catalog', '--database', database, '--json']);
    expect(entries).toMatchObject([{ rows: 2000, model: { model: 'm' } }, { rows: 1000 }]);
    expect(await runHere(['verify', '--database', database, '--work', folder])).toMatchObject({
      rows: 3000,
      orphans: [],
    });

    const read = await python<{ ids: string[]; indexed: number; nearest: string }>(
      `
import json, lancedb, numpy as np, os, sys
db = lancedb.connect(sys.argv[1], storage_options={
    'endpoint': os.environ['AWS_ENDPOINT_URL_S3'], 'allow_http': 'true', 'region': 'us-east-1'})
table = db.open_table('bucket_00001')
data = table.to_arrow()
vector = np.array(data['embedding'][7].as_py(), dtype='float32')
found = table.search(vector, vector_column_name='embedding').distance_type('cosine').nprobes(50).refine_factor(50).limit(1).to_list()
print(json.dumps({'ids': sorted(data['id'].to_pylist()), 'nearest': found[0]['id'] == data['id'][7].as_py(),
    'indexed': table.index_stats(table.list_indices()[0].name).num_indexed_rows}))
`,
      database,
    );
    expect(read).toEqual({ ids: rows.ids.slice(0, 2000).sort(), indexed: 2000, nearest: true });

    const again = await cost(async () => {
      const plan = join(folder, 'plan.json');
      await runHere(['ingest-bucket', '--plan', plan, ...BUCKET, '--database', database, ...work]);
      await runHere(['index-bucket', ...BUCKET, '--database', database, ...work]);
    });
    const report = await lanceflowJson(['catalog', '--database', database, '--brief']);
    expect(Object.keys(report)).toEqual(
      expect.arrayContaining(['requests', 'retries', 'bytesSent', 'bytesReceived', 'entries']),
    );
    expect(report).toMatchObject({ requests: 3, retries: 0, bytesSent: 0, buckets: 2 });
    const [entry] = report.entries as object[];
    expect(Object.keys(entry!)).toEqual(['bucket', 'rows', 'bytes', 'fingerprint', 'model', 'hasNullDistances']);

    // Catalog entries, ingest records, listings and the lock, but no file of a table.
    expect(again.received).toBeLessThan(60_000);
    expect(again.sent).toBeLessThan(2_000);
    expect(await objectsOf(s)).toEqual(objects);
  });

  it('is indexed without a download on the node that ingested it, and by fetching its data once elsewhere', async () => {
    const tableBytes = 2000 * 32 * 4;
    for (const [name, elsewhere] of [
      ['same', false],
      ['other', true],
    ] as const) {
      const database = `s3://lance/${name}`;
      const plan = join(folder, `${name}.json`);
      await runHere(['pack-buckets', '--input', shards[0]!, '--database', database, '--output', plan]);
      const here = ['--work', await folderOf(`work-${name}`)];
      const there = elsewhere ? ['--work', await folderOf('work-elsewhere')] : here;
      const ingest = await cost(() =>
        runHere(['ingest-bucket', '--plan', plan, ...BUCKET, '--database', database, ...here]),
      );
      expect(ingest.sent).toBeGreaterThan(tableBytes);
      expect(ingest.received).toBeLessThan(10_000);
      const index = await cost(() => runHere(['index-bucket', ...BUCKET, '--database', database, ...there]));
      expect(index.received > tableBytes).toBe(elsewhere);
      expect(index.received).toBeLessThan(tableBytes * 1.3);
      // The index without the vectors.
      expect(index.sent).toBeLessThan(tableBytes / 2);
      await runHere(['verify', '--database', database, '--work', folder]);

      // Another kind of index transfers only the index.
      const other = await cost(() =>
        runHere(['index-bucket', ...BUCKET, '--database', database, ...here, '--index', 'ivf-pq']),
      );
      expect(other.sent).toBeLessThan(tableBytes / 2);
      await runHere(['verify', '--database', database, '--work', folder]);
    }
  });

  it('loses a superseded plan of the same shards, which was never part of it', async () => {
    const database = 's3://lance/superseded';
    const plan = join(folder, 'superseded.json');
    const pack = ['pack-buckets', '--input', ...shards, '--database', database, '--output', plan, '--bucket-size'];
    await runHere([...pack, '3000']);
    await runHere(['ingest-bucket', '--plan', plan, ...BUCKET, '--database', database]);
    const s = await at('superseded');
    await s3Store(s).write('_pending/bucket_00001.lock', JSON.stringify({ owner: 'elsewhere.1' }));
    expect((await runHere(['catalog', '--database', database, '--json'])).buckets).toBe(0);
    await runHere([...pack, '2000']);
    const left = [...(await objectsOf(s)).keys()];
    expect(left).toEqual(['_pending/bucket_00001.lock', '_pending/bucket_00002.json', '_pending/bucket_00003.json']);
  });

  it('is the same as one in a folder', async () => {
    const remote = await buildDatabase(await folderOf('remote'), shards, { database: 's3://lance/twin' });
    const local = await buildDatabase(await folderOf('local'), shards);
    const facts = async (database: string) => {
      const { entries } = await runHere(['catalog', '--database', database, '--json']);
      const [entry] = entries as Array<Record<string, unknown>>;
      const { recipe, rows: count, partitions, index, bytes } = entry!;
      return { recipe, count, index, partitions, bytes: Math.round((bytes as number) / 4096) };
    };
    expect(await facts(remote.database)).toEqual(await facts(local.database));
    const partitions = (await facts(local.database)).partitions as { path: string };
    const s = await at('twin');
    for await (const { path, bytes } of listObjects(s, '_partitions/')) {
      expect(path).toBe(partitions.path);
      expect(bytes).toBe((await readFile(join(local.database, path))).length);
    }
  });

  async function folderOf(name: string): Promise<string> {
    const path = join(folder, name);
    await mkdir(path, { recursive: true });
    return path;
  }

  it('has no unfinished uploads', async () => {
    const open = [];
    for await (const upload of openUploads(await at(''), '')) open.push(upload);
    expect(open).toEqual([]);
  });
});
