// @module-tag slow

import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runHere } from '../support/command.ts';
import { expectNoLeftovers, expectWholeCatalog, signalAfter } from '../support/crash.ts';
import { bruteForce, buildDatabase, namesIn, readHitRows } from '../support/database.ts';
import { type Hit, naiveMerge } from '../support/hits.ts';
import { lanceflow, sharedFolder } from '../support/run.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../support/shards.ts';

const BUCKET = ['--bucket', 'bucket_00001'];

describe('builds', () => {
  let folder = '';
  let plan = '';
  let expected: Buffer;
  const rows = randomRows(1, 20_000, 64);
  const queries: Rows = { ...sliceRows(rows, 0, 10), ids: rows.ids.slice(0, 10).map((id) => `q${id}`) };

  beforeAll(async () => {
    folder = await sharedFolder();
    const shard = await writeShard(join(folder, 's.h5'), rows);
    await writeShard(join(folder, 'q.h5'), queries);
    plan = join(folder, 'plan.json');
    await runHere(['pack-buckets', '--input', shard, '--output', plan, '--database', join(folder, 'planned')]);
    const { database } = await buildDatabase(join(folder, 'calm'), [shard]);
    expected = await search(database);
  });

  async function searchHits(database: string, bucket: string): Promise<Hit[]> {
    const output = join(database, '..', `${bucket}.parquet`);
    const where = ['--bucket', bucket, '--database', database, '--queries', join(folder, 'q.h5'), '--output', output];
    await runHere(['search-bucket', ...where, '--k', '5', '--search', 'exact']);
    return readHitRows(output);
  }

  async function search(database: string): Promise<Buffer> {
    await searchHits(database, 'bucket_00001');
    return readFile(join(database, '..', 'bucket_00001.parquet'));
  }

  const ingest = (database: string) => ['ingest-bucket', '--plan', plan, ...BUCKET, '--database', database];
  const index = (database: string) => ['index-bucket', ...BUCKET, '--database', database];
  const planned = async (name: string) => {
    const database = join(folder, name, 'db');
    await cp(join(folder, 'planned'), database, { recursive: true });
    return database;
  };

  it('that are killed at any moment and run again create the same table, and wait only for the lock', async () => {
    // From before the start of a build of about a second until after its end, on any machine.
    const delays = [0.35, 0.5, 0.65, 0.8, 1, 1.3].map((seconds) => seconds * 1000);
    await Promise.all(
      delays.map(async (delayMs, i) => {
        const database = await planned(`kill-${i}`);
        await signalAfter(ingest(database), delayMs, 'SIGKILL');
        expect(await readdir(join(database, '_catalog')).catch(() => [])).toEqual([]);
        expect(await lanceflow(ingest(database))).toMatchObject({ code: 0 });
        await signalAfter(index(database), delayMs, 'SIGKILL');
        await expectWholeCatalog(database);
        // Planning again, as a restarted pipeline does, keeps the bucket: its rows are in the table.
        const again = join(folder, `kill-${i}`, 'again.json');
        const inputs = ['--input', join(folder, 's.h5'), '--database', database, '--output', again];
        expect(await lanceflow(['pack-buckets', ...inputs])).toMatchObject({ code: 0 });
        const { buckets } = JSON.parse(await readFile(again, 'utf8'));
        expect(buckets.map(({ bucket }: { bucket: string }) => bucket).join()).toMatch(/^(bucket_00001)?$/);
        expect(await lanceflow(index(database))).toMatchObject({ code: 0 });
        await expectNoLeftovers(database);
      }),
    );
    for (let i = 0; i < delays.length; i++)
      expect((await search(join(folder, `kill-${i}`, 'db'))).equals(expected)).toBe(true);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('stopped by %s remove their unfinished files and say so', async (signal) => {
    const database = await planned(signal);
    const before = await namesIn(database);
    const ended = await signalAfter(ingest(database), { folder: database, file: /\.tmp\/.*\.lance/ }, signal);
    // Threads inside native code are ended by the signal itself, for which shells have the same codes.
    if (ended.signal !== null) expect(ended.signal).toBe(signal);
    else expect(ended.code).toBe(signal === 'SIGTERM' ? 143 : 130);
    if (ended.stderr !== '') expect(ended.stderr).toMatch(/Stopped by SIG.*unfinished files are being removed/);
    const left = (await namesIn(database)).filter(
      (name) => !before.includes(name) && !/_pending\/.*\.holder$/.test(name),
    );
    expect(left.filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await runHere(ingest(database));
    await runHere(index(database));
    await expectNoLeftovers(database);
    expect((await search(database)).equals(expected)).toBe(true);
  });

  it('of one bucket that start at the same time both succeed, and create one table', async () => {
    const database = await planned('twice');
    for (const argv of [ingest(database), index(database)]) {
      const reports = await Promise.all([1, 2, 3].map(() => lanceflow([...argv, '--json'])));
      for (const { code, stderr } of reports) expect({ code, stderr }).toMatchObject({ code: 0 });
      const done = reports.map(({ stdout }) => JSON.parse(stdout).alreadyDone as boolean);
      expect(done.sort()).toEqual([false, true, true]);
    }
    await expectNoLeftovers(database);
    expect((await search(database)).equals(expected)).toBe(true);
  });

  it('of different shards into one database do not lose each other’s buckets', async () => {
    const own = join(folder, 'two');
    const database = join(own, 'db');
    const parts = [sliceRows(rows, 0, 3000), sliceRows(rows, 3000, 5000), sliceRows(rows, 5000, 9000)];
    const names = await Promise.all(
      parts.map(async (part, i) => {
        const shard = await writeShard(join(own, `${i}.h5`), part);
        const output = join(own, `${i}.json`);
        const run = async (...argv: string[]) => expect(await lanceflow(argv)).toMatchObject({ code: 0 });
        const size = ['--bucket-size', '2000'];
        await run('pack-buckets', '--input', shard, '--database', database, '--output', output, ...size);
        const { buckets } = JSON.parse(await readFile(output, 'utf8')) as { buckets: Array<{ bucket: string }> };
        for (const { bucket } of buckets) {
          await run('ingest-bucket', '--plan', output, '--bucket', bucket, '--database', database);
          await run('index-bucket', '--bucket', bucket, '--database', database);
        }
        return buckets.map(({ bucket }) => bucket);
      }),
    );
    const all = names.flat();
    expect(all.length).toBe(5);
    expect(new Set(all).size).toBe(5);
    expect((await readdir(join(database, '_catalog'))).sort()).toEqual(all.map((name) => `${name}.json`).sort());
    await expectNoLeftovers(database);
    const hits = (await Promise.all(all.map((bucket) => searchHits(database, bucket)))).flat();
    const groundTruth = bruteForce(queries, sliceRows(rows, 0, 9000), 'cosine', 5, '');
    expect(naiveMerge(hits, 5).map(({ query, target }) => [query, target])).toEqual(
      groundTruth.map(({ query, target }) => [query, target]),
    );
  });
});
