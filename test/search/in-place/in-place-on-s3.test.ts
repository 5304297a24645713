// @module-tag slow

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DataError, TransientError } from '../../../workers/src/base/errors.ts';
import { Database } from '../../../workers/src/database/database.ts';
import { askBucket } from '../../../workers/src/search/in-place/ask-bucket.ts';
import { ask } from '../../../workers/src/search/in-place/ask-database.ts';
import { checkAskSettings } from '../../../workers/src/search/in-place/ask-settings.ts';
import { loadById } from '../../../workers/src/search/in-place/load-by-id.ts';
import { closeWarmBuckets, openWarmBucket } from '../../../workers/src/search/in-place/warm-buckets.ts';
import { runHere } from '../../support/command.ts';
import { buildDatabase } from '../../support/database.ts';
import type { Fault, Seen } from '../../support/fault-proxy.ts';
import { expectRefusalHere } from '../../support/refusal.ts';
import { sharedFolder } from '../../support/run.ts';
import { missingServer, useS3, withFaultProxy } from '../../support/s3.ts';
import { randomRows, sliceRows, writeShard } from '../../support/shards.ts';

const DATABASE = 's3://lance/asked';
const skip = missingServer('moto');
const rows = randomRows(3, 1200, 16);

describe.skipIf(skip)('asking in place on S3', () => {
  const held = withFaultProxy('moto');
  let folder = '';
  let local = '';
  const at = (name: string) => join(folder, name);

  beforeEach(() => useS3({ ...held.proxy.env, LANCEFLOW_S3_STALL_MS: '400', LANCEFLOW_S3_GIVE_UP_MS: '2000' }));
  afterEach(closeWarmBuckets);
  beforeAll(async () => {
    useS3(held.server.env);
    folder = await sharedFolder();
    const shards = [
      await writeShard(at('a.h5'), sliceRows(rows, 0, 600)),
      await writeShard(at('b.h5'), sliceRows(rows, 600, 1200)),
    ];
    await writeShard(at('q.h5'), sliceRows(rows, 590, 610));
    await buildDatabase(folder, shards, { database: DATABASE, bucketSize: 600 });
    ({ database: local } = await buildDatabase(folder, shards, { bucketSize: 600 }));
  });

  const argv = (database: string, output: string) => {
    // All rows are rescored: two builds have other codes.
    const settings = ['--k', '20', '--nprobes', '99', '--refine-factor', '40', '--timeout', '20'];
    return ['ask', '--input', at('q.h5'), '--database', database, ...settings, '--output', output];
  };

  it('answers as from a folder, and writes the answer to S3', async () => {
    await runHere(argv(local, at('local.csv')));
    const expected = await readFile(at('local.csv'), 'utf8');
    for (const name of ['near.csv', 'near.csv.gz', 'near.jsonl', 'near.parquet']) {
      const report = await runHere(argv(DATABASE, `s3://lance/answers/${name}`));
      expect(report).toMatchObject({ rows: 400, failed: [], vectors: 1200 });
      expect(report.readRequests).toBeGreaterThan(0);
      const object = await fetchObject(`answers/${name}`);
      expect(object.length).toBe(report.bytes);
      if (name === 'near.csv') expect(object.toString()).toBe(expected);
    }
  });

  /** Reads an object of the server without LanceFlow. */
  async function fetchObject(key: string): Promise<Buffer> {
    const { GetObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
    const client = new S3Client({ endpoint: held.server.endpoint, forcePathStyle: true, region: 'us-east-1' });
    const { Body } = await client.send(new GetObjectCommand({ Bucket: 'lance', Key: key }));
    return Buffer.from(await Body!.transformToByteArray());
  }

  it.each(['csv', 'parquet'])('refuses to write %s to a bucket that does not exist', async (ending) => {
    await expectRefusalHere(argv(local, `s3://no-such-bucket/near.${ending}`), 65, /no-such-bucket/);
  });

  it('keeps buckets open, and checks only their entries by ETag', async () => {
    const database = await Database.open(DATABASE);
    const first = await openWarmBucket(database, 'bucket_00001');
    expect(first.opened).toMatchObject({ isWarm: false });
    first[Symbol.dispose]();
    held.proxy.seen.length = 0;
    const again = await openWarmBucket(database, 'bucket_00001');
    expect(again.opened).toMatchObject({ isWarm: true, requests: 1 });
    expect(again.table).toBe(first.table);
    expect(
      held.proxy.seen.map(({ url, headers }) => [url.split('?')[0], headers['if-none-match'] !== undefined]),
    ).toEqual([['/lance/asked/_catalog/bucket_00001.json', true]]);
    again[Symbol.dispose]();
  });

  it('counts what finding an id reads', async () => {
    const database = await Database.open(DATABASE);
    const entries = await database.entries();
    held.proxy.answeredBytes = 0;
    held.proxy.seen.length = 0;
    const silent = { add() {}, stop() {} };
    const { lookup, vectors } = await loadById(database, entries, 'p3', silent);
    expect(vectors).toEqual(sliceRows(rows, 3, 4).vectors);
    const listed = ({ url }: Seen) => url.includes('list-type=2');
    const seen = held.proxy.seen.filter(({ url }) => !url.includes('_catalog'));
    expect(lookup!.requests).toBe(seen.length + 1 + entries.length);
    expect(lookup!.bytes).toBeGreaterThan(0);
    expect(lookup!.bytes).toBeLessThan(held.proxy.answeredBytes);
    expect(seen.filter(listed)).toHaveLength(2);
    const report = await runHere(['ask', '--id', 'p3', '--database', DATABASE, '--output', at('id.csv')]);
    expect(report.lookup).toEqual(lookup);
    const buckets = report.buckets as { requests: number; bytes: number }[];
    for (const [total, of] of [
      ['readRequests', 'requests'],
      ['readBytes', 'bytes'],
    ] as const)
      expect(report[total]).toBe(buckets.reduce((sum, bucket) => sum + bucket[of], lookup![of]));
  });

  it('drops the copies of unused buckets beyond what a process may keep', async () => {
    // Enough rows for an index that is read in ranges.
    const many = randomRows(4, 12_000, 16);
    const uri = 's3://lance/many';
    const shards = [await writeShard(at('many.h5'), many)];
    await buildDatabase(folder, shards, { database: uri, bucketSize: 6000 });
    const database = await Database.open(uri);
    const settings = checkAskSettings({ k: 300, refineFactor: 20 });
    const { ids, vectors } = sliceRows(many, 5, 6);
    const queries = { source: 'the question', ids, dimension: 16, vectors, attributes: {} };
    const open = async (name: string, most?: number) => {
      using bucket = await openWarmBucket(database, name, undefined, most);
      await askBucket(bucket, queries, settings);
      expect(await bucket.reads!.keptBytes()).toBeGreaterThan(0);
      return bucket.opened.isWarm;
    };
    expect(await open('bucket_00001')).toBe(false);
    expect(await open('bucket_00002')).toBe(false);
    expect(await open('bucket_00001')).toBe(true);
    expect(await open('bucket_00002', 0)).toBe(false);
    expect(await open('bucket_00001')).toBe(false);
  });

  const ofBucket2 = ({ url }: Seen) => url.includes('bucket_00002');
  const faults: [string, Fault, typeof DataError | typeof TransientError][] = [
    ['asks to slow down', { status: 503, code: 'SlowDown' }, TransientError],
    ['cuts connections', { cutAfter: 0 }, TransientError],
    ['stalls', { stallAfter: 10 }, TransientError],
    ['denies access', { status: 403, code: 'AccessDenied' }, DataError],
  ];
  it.each(faults)('fails with one error that names the bucket where the service %s', async (_, fault, kind) => {
    for (const isLate of [false, true]) {
      await closeWarmBuckets();
      // In the second round, the catalog can be read.
      held.proxy.rule = (seen) => (ofBucket2(seen) && !(isLate && seen.url.includes('_catalog')) ? fault : undefined);
      const attempt = runHere(argv(DATABASE, at('none.csv')));
      await expect(attempt).rejects.toBeInstanceOf(kind);
      await expect(attempt).rejects.toThrow(/bucket_00002/);
      const partial = await runHere([...argv(DATABASE, at('partial.csv')), '--allow-partial']);
      expect(partial.failed).toEqual([{ bucket: 'bucket_00002', error: expect.stringMatching(/bucket_00002/) }]);
      expect(await readFile(at('partial.csv'), 'utf8')).toMatch(/\n# partial answer without bucket_00002\n$/);
    }
    await expect(readFile(at('none.csv'))).rejects.toThrow(/ENOENT/);
  });

  it('sees a bucket that was built again, and one that was removed', async () => {
    const uri = 's3://lance/changing';
    const settings = checkAskSettings({ k: 3, nprobes: 99 });
    const options = { concurrency: 1, timeoutMs: 20_000, allowPartial: false };
    const query = sliceRows(rows, 5, 6);
    const queries = { ...query, source: 'the test', attributes: {} };
    const nearest = async () => {
      const { answers, merge } = await ask(await Database.open(uri), queries, settings, options);
      expect(answers.map(({ bucket }) => bucket)).toEqual(['bucket_00001']);
      return [...merge.neighbours()][0]!.distances[0]!;
    };
    await buildDatabase(folder, [at('a.h5')], { database: uri });
    expect(await nearest()).toBeCloseTo(0, 5);
    const database = await Database.open(uri);
    const bucket = await openWarmBucket(database, 'bucket_00001');
    const entry = await database.requireEntry('bucket_00001');
    await database.removeEntry('bucket_00001');
    await expect(nearest()).rejects.toThrow(/no buckets in this database/);
    await expect(bucket.use(() => Promise.reject(new Error('lance: not found')))).rejects.toThrow(/was removed/);
    await database.writeEntry({ ...entry, created: new Date().toISOString() });
    expect(await nearest()).toBeCloseTo(0, 5);
    bucket[Symbol.dispose]();
  });
});
