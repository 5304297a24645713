import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toUserError, UserError } from '../../../workers/src/base/errors.ts';
import { Database } from '../../../workers/src/database/database.ts';
import { askBucket } from '../../../workers/src/search/in-place/ask-bucket.ts';
import { checkAskSettings } from '../../../workers/src/search/in-place/ask-settings.ts';
import { closeWarmBuckets, openWarmBucket } from '../../../workers/src/search/in-place/warm-buckets.ts';
import { buildVersions, type TableVersions, watched } from '../../support/replaced-table.ts';
import { randomRows } from '../../support/shards.ts';

const ROWS = 2000;
const SETTINGS = checkAskSettings({ k: 5, nprobes: 4 });
const QUERIES = { source: 'the test', ids: ['q'], dimension: 8, vectors: randomRows(9, 1, 8).vectors, attributes: {} };

describe('a table that changes while it is asked', () => {
  let versions: TableVersions;

  beforeAll(async () => {
    versions = await buildVersions(ROWS, 8);
  });
  afterEach(closeWarmBuckets);

  /** Asks a copy of the old table, in two phases. @param before called before each read of the table, and between the phases */
  async function askOld(before: (call: number, live: string) => Promise<void>) {
    const live = await versions.copyOld();
    const opened = await Database.open(live);
    let calls = 0;
    const next = () => before(calls++, live);
    const database = opened.withTables(watched(opened.tables, next));
    using bucket = await openWarmBucket(database, 'bucket_00001');
    await next();
    const { hits, fingerprint } = await askBucket(bucket, QUERIES, SETTINGS);
    return { calls, fingerprint, distances: [...hits.distances] };
  }

  const changes: [string, (live: string) => Promise<void>][] = [
    ['is built again', (live) => versions.replace(live)],
    ['is replaced by another bucket', (live) => versions.compact(live)],
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
