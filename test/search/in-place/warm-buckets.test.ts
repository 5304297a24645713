import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Database } from '../../../workers/src/database/database.ts';
import { closeWarmBuckets, openWarmBucket } from '../../../workers/src/search/in-place/warm-buckets.ts';
import { buildDatabase } from '../../support/database.ts';
import { temporaryFolder } from '../../support/run.ts';
import { randomRows, writeShard } from '../../support/shards.ts';

async function openDatabase() {
  const folder = await temporaryFolder();
  const shard = await writeShard(join(folder, 'a.h5'), randomRows(1, 300, 16));
  return Database.open((await buildDatabase(folder, [shard])).database);
}

describe('openWarmBucket', () => {
  afterEach(closeWarmBuckets);

  it('keeps a bucket open until the last search in it has ended', async () => {
    const database = await openDatabase();
    const bucket = await openWarmBucket(database, 'bucket_00001');
    const { promise, resolve } = Promise.withResolvers<void>();
    const search = bucket.use(() => promise);
    // The caller has given up.
    bucket[Symbol.dispose]();
    await closeWarmBuckets();
    expect(bucket.table.isOpen()).toBe(true);
    resolve();
    await search;
    await expect.poll(() => bucket.table.isOpen()).toBe(false);
  });

  it('closes a bucket that is opened after an abort', async () => {
    const database = await openDatabase();
    const controller = new AbortController();
    const opening = openWarmBucket(database, 'bucket_00001', controller.signal);
    controller.abort(new Error('too late'));
    await expect(opening).rejects.toThrow('too late');
    // It has no other user.
    const bucket = await openWarmBucket(database, 'bucket_00001');
    bucket[Symbol.dispose]();
    await closeWarmBuckets();
    expect(bucket.table.isOpen()).toBe(false);
  });
});
