import { rmSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { DataError, TransientError, toUserError, UserError } from '../../workers/src/base/errors.ts';
import { verifyBucket } from '../../workers/src/bucket/verify-database.ts';
import type { CatalogEntry } from '../../workers/src/database/catalog/catalog-entry.ts';
import { Database } from '../../workers/src/database/database.ts';
import { explainedByChange, openVersion, requireUnchanged } from '../../workers/src/database/table-state.ts';
import { WantedIds } from '../../workers/src/ids/wanted-ids.ts';
import { readQueries } from '../../workers/src/search/queries/look-up-queries.ts';
import { searchBucket } from '../../workers/src/search/run-search.ts';
import { searchAndWrite } from '../../workers/src/search/search-and-write.ts';
import { readHitRows } from '../support/database.ts';
import { buildVersions, type TableVersions, watched } from '../support/replaced-table.ts';
import { temporaryFolder } from '../support/run.ts';
import { randomRows, writeShard } from '../support/shards.ts';

const BUCKET = 'bucket_00001';
const quiet = { progress: () => ({ add() {}, stop() {} }), log() {}, warn() {} };
const REQUEST = {
  ...{ k: 5, excludeSelf: false, maxDistance: Number.POSITIVE_INFINITY, memoryBytes: 2 ** 29 },
  ...{ nprobes: 4, refineFactor: undefined, targetRecall: undefined, blockQueries: undefined, range: undefined },
};

describe('a bucket that is built again while it is read', { timeout: 120_000 }, () => {
  let versions: TableVersions;
  beforeAll(async () => {
    versions = await buildVersions(2000, 8);
  }, 60_000);

  async function search(database: Database, entry: CatalogEntry, strategy: 'ann' | 'scan' | 'exact') {
    const folder = await temporaryFolder();
    const queries = await writeShard(join(folder, 'q.h5'), randomRows(9, 3, 8));
    const hits = join(folder, 'hits.parquet');
    const request = { ...REQUEST, search: strategy, checkpoints: folder };
    const outputs = { hits, groundTruth: undefined, truthShare: undefined };
    await searchBucket({ database, entry, async [Symbol.asyncDispose]() {} }, [queries], request, outputs, quiet);
    return readHitRows(hits);
  }

  const readers: [string, (database: Database, entry: CatalogEntry) => Promise<unknown>][] = [
    ['search-bucket by ann', (database, entry) => search(database, entry, 'ann')],
    ['search-bucket by scan', (database, entry) => search(database, entry, 'scan')],
    ['search-bucket by exact', (database, entry) => search(database, entry, 'exact')],
    [
      'fetch-queries',
      async (database, entry) => {
        const wanted = new WantedIds(['p3', randomRows(0, 4, 8).ids[2]!]);
        const found = [];
        for await (const { vectors } of readQueries(database, [entry], wanted, quiet.progress()))
          found.push([...vectors]);
        return found;
      },
    ],
    ['verify', (database, entry) => verifyBucket(database, entry, { ...quiet, progress: quiet.progress() })],
    ['plan-search', (database, entry) => requireUnchanged(database, entry)],
  ];

  /** Reads a copy of the old build. @param before called with the number of each call that reads tables, before it */
  async function readOld(
    read: (typeof readers)[number][1],
    before: (call: number, live: string) => Promise<void>,
  ): Promise<{ result: unknown; calls: number }> {
    const live = await versions.copyOld();
    const opened = await Database.open(live);
    const entry = await opened.requireEntry(BUCKET);
    let calls = 0;
    const database = opened.withTables(watched(opened.tables, () => before(calls++, live)));
    const result = await read(database, entry).catch(async (error: unknown) => {
      throw error instanceof TransientError ? error : await explainedByChange(opened, entry, error);
    });
    return { result, calls };
  }

  it.each(readers)('is read in one version, or %s says what happened', async (_, read) => {
    const whole = await readOld(read, async () => {});
    expect(whole.calls).toBeGreaterThan(0);
    for (let at = 0; at < whole.calls; at++) {
      const outcome = await readOld(read, async (call, live) => {
        if (call === at) await versions.replace(live);
      }).catch(toUserError);
      if (outcome instanceof Error) {
        expect(outcome).toBeInstanceOf(UserError);
        expect(outcome.message).toContain(BUCKET);
      } else expect((outcome as typeof whole).result).toEqual(whole.result);
    }
  });

  it.each(readers)('is read before compact replaces it, or %s names the bucket with its rows', async (_, read) => {
    const whole = await readOld(read, async () => {});
    let refused = 0;
    for (let at = 0; at < whole.calls; at++) {
      const outcome = await readOld(read, async (call, live) => {
        if (call === at) await versions.compact(live);
      }).catch((error: Error) => error);
      if (!(outcome instanceof Error)) {
        expect(outcome.result).toEqual(whole.result);
        continue;
      }
      expect(outcome).toBeInstanceOf(TransientError);
      expect(outcome.message).toContain(`${BUCKET} was replaced: its rows are in bucket_00002`);
      refused++;
    }
    expect(refused).toBeGreaterThan(0);
  });

  it('is not opened in LanceDB for the entry of the other version', async () => {
    const live = await versions.copyOld();
    const opened = await Database.open(live);
    const entry = await opened.requireEntry(BUCKET);
    const open = async (bucket: string) => {
      await versions.replace(live);
      return opened.tables.open(bucket);
    };
    const database = opened.withTables({ ...opened.tables, open });
    await expect(openVersion(database, entry)).rejects.toThrow(TransientError);
  });

  it('is read to the end where the table was fetched before', async () => {
    const [live, fetched] = [await versions.copyOld(), await versions.copyOld()];
    const opened = await Database.open(live);
    const entry = await opened.requireEntry(BUCKET);
    const whole = await search(opened, entry, 'ann');
    await versions.replace(live);
    const { tables } = await Database.open(fetched);
    expect(await search(opened.withTables(tables), entry, 'ann')).toEqual(whole);
  });

  it('is named by a search that finds its files missing', async () => {
    const live = await versions.copyOld();
    const entry: CatalogEntry = JSON.parse(await readFile(join(live, `_catalog/${BUCKET}.json`), 'utf8'));
    // The search logs that it is missing, then opens the table.
    await rm(join(live, entry.partitions!.path));
    const folder = await temporaryFolder();
    const queries = [await writeShard(join(folder, 'q.h5'), randomRows(9, 3, 8))];
    const places = { bucket: BUCKET, database: live, queries, stream: false, output: join(folder, 'hits.parquet') };
    const request = { ...REQUEST, search: 'exact' as const, checkpoints: folder };
    const log = () => {
      for (const part of [`_catalog/${BUCKET}.json`, `${BUCKET}.lance`]) rmSync(join(live, part), { recursive: true });
    };
    const error = await searchAndWrite(places, request, { ...quiet, log }).catch(toUserError);
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toContain(`${BUCKET} was removed from the database`);
  });
});
