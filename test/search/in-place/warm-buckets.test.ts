import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Database } from '../../../workers/src/database/database.ts';
import { closeWarmBuckets, openWarmBucket } from '../../../workers/src/search/in-place/warm-buckets.ts';
import { buildDatabase } from '../../support/database.ts';
import { temporaryFolder } from '../../support/run.ts';
import { randomRows, writeParts, writeShard } from '../../support/shards.ts';

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

  it('closes other buckets that nobody uses when memory is short', async () => {
    const folder = await temporaryFolder();
    const shards = await writeParts(folder, randomRows(1, 600, 16), [300, 300]);
    const database = await Database.open((await buildDatabase(folder, shards, { bucketSize: 300 })).database);
    const open = (name: string, mostMemoryBytes: number) =>
      openWarmBucket(database, name, undefined, undefined, mostMemoryBytes);
    const first = await open('bucket_00001', 2 ** 40);
    first[Symbol.dispose]();
    const second = await open('bucket_00002', 2 ** 40);
    expect(first.table.isOpen()).toBe(true);
    // The second one is in use, and the third is the same.
    const third = await open('bucket_00002', 0);
    expect(third.opened.isWarm).toBe(true);
    await expect.poll(() => first.table.isOpen()).toBe(false);
    expect(second.table.isOpen()).toBe(true);
    for (const bucket of [second, third]) bucket[Symbol.dispose]();
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
