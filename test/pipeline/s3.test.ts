// @module-tag slow

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runHere } from '../support/command.ts';
import { buildDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/run.ts';
import { missingServer } from '../support/s3.ts';
import { at, objectsOf, withDatabases } from '../support/s3-database.ts';
import { killInTheMiddle, momentOf, writerOf } from './support/kill.ts';
import { countTasks, nextflow, pipeline, startPipeline } from './support/nextflow.ts';
import { writeShard } from './support/shards.ts';

const ROWS = 2000;
const BUCKET = 'bucket_00002';
const INPUT = ['--input', 'in', '--bucket_size', `${ROWS}`, '--model', 'kmer'];
const SEARCH = ['--queries', 'queries.h5', '--search', 'exact'];

describe.skipIf(missingServer('moto'))('the pipeline with a database on S3', () => {
  withDatabases();

  test('killed, resumed and extended, it has the neighbours of a database in a folder', {
    timeout: 600_000,
  }, async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'in'));
    const write = (i: number) => writeShard(join(folder, `in/s${i}.h5`), `s${i}_`, ROWS, 64, i);
    for (const i of [1, 2]) await write(i);
    await writeShard(join(folder, 'queries.h5'), 'q', 20, 64, 99);
    const nvme = join(folder, 'nvme');
    const cache = join(nvme, 'lanceflow-cache');
    const args = [...INPUT, ...SEARCH, '--database', 's3://lance/pipeline', '--nvme', nvme];
    const outdir = join(folder, 'results');
    const neighbours = () => readFile(join(outdir, 'neighbours.csv'), 'utf8');
    const database = async () => objectsOf(await at('pipeline'));

    const ingesting = startPipeline(args, folder);
    await killInTheMiddle(ingesting, await momentOf(ingesting, 'ingest writes', () => writerOf(nvme, BUCKET)));
    expect((await database()).has(`_pending/${BUCKET}.json`)).toBe(true);

    const indexing = startPipeline([...args, '-resume'], folder);
    const indexer = await momentOf(indexing, 'index writes', async () => {
      const kept = existsSync(cache) ? await readdir(cache) : [];
      return kept.some((name) => name.startsWith(`${BUCKET}.`)) ? writerOf(nvme, BUCKET) : undefined;
    });
    await killInTheMiddle(indexing, indexer);
    expect((await database()).has(`_catalog/${BUCKET}.json`)).toBe(false);

    await pipeline([...args, '-resume'], folder);
    const answer = await neighbours();
    const objects = await database();
    expect([...objects.keys()].filter((path) => path.startsWith('_pending/'))).toEqual([]);
    expect((await readdir(nvme)).filter((name) => name.endsWith('.tmp'))).toEqual([]);

    expect(answer).toBe(await localAnswer(folder));

    await pipeline([...args, '-resume'], folder);
    expect((await countTasks(outdir)).ran).toEqual({});

    await write(3);
    await pipeline([...args, '-resume'], folder);
    expect((await countTasks(outdir)).ran).toEqual({
      ...{
        DESCRIBE_SHARD: 1,
        PACK_BUCKETS: 1,
        INGEST_BUCKET: 1,
        INDEX_BUCKET: 1,
        SEARCH_BUCKET: 1,
        MERGE_HITS: 1,
        RENDER_REPORT: 1,
      },
    });
    const grown = await database();
    expect(grown.has('_catalog/bucket_00003.json')).toBe(true);
    for (const [path, etag] of objects) expect(grown.get(path), path).toBe(etag);
  });

  test('refuses a wrong address before any task', async () => {
    const folder = await temporaryFolder();
    await writeShard(join(folder, 'queries.h5'), 'q', 5, 64, 1);
    for (const [address, message] of [
      ['s3://lance/nothing/here', /there are no buckets in this database/],
      ['s3://not-there-at-all/db', /no such bucket/],
    ] as const) {
      const { code, stdout, stderr } = await nextflow(
        ['run', join(import.meta.dirname, '../../main.nf'), ...SEARCH, '--database', address],
        folder,
      );
      expect(code).not.toBe(0);
      expect(stdout + stderr).toMatch(message);
      expect(stdout).not.toMatch(/Submitted process/);
    }
  });
});

/** Builds and searches a database in a folder of the same two shards. @returns its neighbours */
async function localAnswer(folder: string): Promise<string> {
  const shards = [1, 2].map((i) => join(folder, `in/s${i}.h5`));
  const { database, buckets } = await buildDatabase(folder, shards, { bucketSize: ROWS });
  const hits: string[] = [];
  for (const bucket of buckets) {
    hits.push(join(folder, `${bucket}.hits.parquet`));
    const search = ['search-bucket', '--bucket', bucket, '--database', database, '--search', 'exact'];
    await runHere([...search, '--queries', join(folder, 'queries.h5'), '--output', hits.at(-1)!]);
  }
  const csv = join(folder, 'local.csv');
  await runHere([
    'merge-hits',
    '--input',
    ...hits,
    '--k',
    '10',
    '--output',
    join(folder, 'local.parquet'),
    '--csv',
    csv,
  ]);
  return readFile(csv, 'utf8');
}
