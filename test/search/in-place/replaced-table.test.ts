import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toUserError, UserError } from '../../../workers/src/base/errors.ts';
import { Database } from '../../../workers/src/database/database.ts';
import type { TableReader } from '../../../workers/src/database/table-reader.ts';
import { askBucket } from '../../../workers/src/search/in-place/ask-bucket.ts';
import { checkAskSettings } from '../../../workers/src/search/in-place/ask-settings.ts';
import { closeWarmBuckets, openWarmBucket } from '../../../workers/src/search/in-place/warm-buckets.ts';
import { buildDatabase } from '../../support/database.ts';
import { sharedFolder, temporaryFolder } from '../../support/run.ts';
import { randomRows, writeShard } from '../../support/shards.ts';

const ROWS = 2000;
const SETTINGS = checkAskSettings({ k: 5, nprobes: 4 });
const QUERIES = { source: 'the test', ids: ['q'], dimension: 8, vectors: randomRows(9, 1, 8).vectors, attributes: {} };

/** Calls `before` with the number of each call that reads tables, before it. */
function watched(tables: TableReader, before: (call: number) => Promise<void>): TableReader {
  let calls = 0;
  const next = () => before(calls++);
  return {
    ...tables,
    size: async (path) => next().then(() => tables.size(path)),
    sizes: async (bucket, within) => next().then(() => tables.sizes(bucket, within)),
    read: async (path) => next().then(() => tables.read(path)),
    open: async (bucket) => next().then(() => tables.open(bucket)),
    async openFile(path) {
      await next();
      const file = await tables.openFile(path);
      return { read: (into, at) => next().then(() => file.read(into, at)), close: () => file.close() };
    },
  };
}

describe('a table that changes while it is asked', () => {
  let folder = '';
  const version = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = await sharedFolder();
    // The same ids with other vectors.
    for (const [seed, name] of ['old', 'new'].entries()) {
      await mkdir(version(name));
      const shard = await writeShard(join(version(name), 'a.h5'), randomRows(seed, ROWS, 8));
      await buildDatabase(version(name), [shard]);
    }
  });
  afterEach(closeWarmBuckets);

  const copy = (name: string, to: string, part: string) =>
    cp(join(version(name), 'db', part), join(to, part), { recursive: true });

  /** Asks a copy of the old table, in two phases. @param before called before each read of the table, and between the phases */
  async function askOld(before: (call: number, live: string) => Promise<void>) {
    const live = join(await temporaryFolder(), 'db');
    await cp(join(version('old'), 'db'), live, { recursive: true });
    const opened = await Database.open(live);
    let calls = 0;
    const next = () => before(calls++, live);
    const database = opened.withTables(watched(opened.tables, next));
    using bucket = await openWarmBucket(database, 'bucket_00001');
    await next();
    const { hits, fingerprint } = await askBucket(bucket, QUERIES, SETTINGS);
    return { calls, fingerprint, distances: [...hits.distances] };
  }

  const replace = async (live: string) => {
    await rm(join(live, '_catalog/bucket_00001.json'));
    for (const part of ['bucket_00001.lance', '_partitions']) {
      await rm(join(live, part), { recursive: true });
      await copy('new', live, part);
    }
    await copy('new', live, '_catalog');
  };
  const changes: [string, (live: string) => Promise<void>][] = [
    ['is built again', replace],
    ['is removed', (live) => rm(join(live, 'bucket_00001.lance'), { recursive: true })],
    ['loses its versions', (live) => rm(join(live, 'bucket_00001.lance/_versions'), { recursive: true })],
    ['leaves the catalog', (live) => rm(join(live, '_catalog/bucket_00001.json'))],
  ];
  it.each(changes)('answers from one version, or fails and names the bucket, where it %s', async (_, change) => {
    const whole = await askOld(async () => {});
    let failures = 0;
    for (let at = 0; at < whole.calls; at++) {
      await closeWarmBuckets();
      const asking = askOld(async (call, live) => {
        if (call === at) await change(live);
      });
      const outcome = await asking.catch(toUserError);
      if (outcome instanceof Error) {
        failures++;
        expect(outcome).toBeInstanceOf(UserError);
        expect(outcome.message).toContain('bucket_00001');
      } else expect(outcome).toMatchObject({ fingerprint: whole.fingerprint, distances: whole.distances });
    }
    expect(failures).toBeGreaterThan(0);
  });
});
