// @module-tag slow

import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { runHere } from '../support/command.ts';
import { countCalls, expectNoLeftovers, expectWholeCatalog, expireLocks, killAtCall } from '../support/crash.ts';
import { buildDatabase } from '../support/database.ts';
import { sharedFolder } from '../support/run.ts';
import { randomRows, sliceRows, writeShard } from '../support/shards.ts';

const BUCKET = ['--bucket', 'bucket_00001'];
/** Tests every n-th call; all of them (1) take minutes. */
const STRIDE = Number(process.env.LANCEFLOW_KILL_STRIDE ?? 5);
/** A thread that writes many small units makes hundreds of calls, one that writes an index a few. */
const threadStride = (calls: number) => Math.ceil((calls * STRIDE) / 40);

/** Kills a command before each call that changes the file system, then runs it again as a user or Nextflow would. */
describe('a command killed before any of its changes to the database, and run again, has the same result:', () => {
  let folder = '';
  let plan = '';
  let shard = '';
  const databases: Record<string, string> = {};
  const expected: Record<string, Buffer> = {};

  beforeAll(async () => {
    folder = await sharedFolder();
    const rows = randomRows(1, 1500, 16);
    const shards = [
      await writeShard(join(folder, 'a.h5'), sliceRows(rows, 0, 900)),
      await writeShard(join(folder, 'b.h5'), sliceRows(rows, 900, 1500)),
    ];
    shard = await writeShard(join(folder, 'all.h5'), rows);
    await writeShard(join(folder, 'q.h5'), { ...sliceRows(rows, 0, 20), ids: rows.ids.slice(0, 20) });
    plan = join(folder, 'plan.json');
    const make = (name: string) => (databases[name] = join(folder, name));
    await runHere(['pack-buckets', '--input', ...shards, '--output', plan, '--database', make('planned')]);
    await cp(databases.planned!, make('ingested'), { recursive: true });
    await runHere(['ingest-bucket', '--plan', plan, ...BUCKET, '--database', databases.ingested!]);
    await cp(databases.ingested!, make('indexed'), { recursive: true });
    await runHere(['index-bucket', ...BUCKET, '--database', databases.indexed!]);
    expected.cosine = await search(databases.indexed!);
    const other = await buildDatabase(join(folder, 'other'), shards, { ingest: ['--metric', 'l2'] });
    expected.l2 = await search(other.database);
  });

  afterEach(() => vi.unstubAllEnvs());

  async function search(database: string): Promise<Buffer> {
    const output = join(database, '..', 'hits.parquet');
    const queries = ['--queries', join(folder, 'q.h5'), '--k', '5', '--search', 'exact'];
    await runHere(['search-bucket', ...BUCKET, '--database', database, ...queries, '--output', output]);
    return readFile(output);
  }

  // The plan's path is known only when the tests run.
  const ingest = (...options: string[]) => ['ingest-bucket', ...BUCKET, '--plan', 'PLAN', ...options];
  const index = (...options: string[]) => ['index-bucket', ...BUCKET, ...options];

  it.each<[string, string, string[], string[][], string, string?]>([
    ['ingest-bucket', 'planned', ingest(), [ingest(), index()], 'cosine'],
    ['ingest-bucket in a thread', 'planned', ingest('--threads', '1'), [ingest(), index()], 'cosine', 'ingest'],
    ['index-bucket', 'ingested', index(), [index()], 'cosine'],
    ['index-bucket in a thread', 'ingested', index('--threads', '1'), [index()], 'cosine', 'index'],
    ['index-bucket with another index', 'indexed', index('--index', 'ivf-pq'), [index('--index', 'ivf-pq')], 'cosine'],
    [
      'ingest-bucket with another metric',
      'indexed',
      ingest('--metric', 'l2'),
      [ingest('--metric', 'l2'), index()],
      'l2',
    ],
  ])(
    '%s',
    async (name, from, command, again, answer, thread) => {
      if (thread !== undefined) vi.stubEnv('LANCEFLOW_UNIT_BYTES', '4096');
      const tried = join(folder, `${name.replaceAll(' ', '-')}`);
      const on = (database: string, argv: string[]) => [
        ...argv.map((argument) => (argument === 'PLAN' ? plan : argument)),
        '--database',
        database,
      ];
      await cp(databases[from]!, join(tried, '0', 'db'), { recursive: true });
      const calls = await countCalls(on(join(tried, '0', 'db'), command), join(tried, 'count'), thread);
      expect(calls).toBeGreaterThan(thread === 'index' ? 4 : 10);
      for (let call = 1; call <= calls; call += thread === undefined ? STRIDE : threadStride(calls)) {
        const database = join(tried, `${call}`, 'db');
        await cp(databases[from]!, database, { recursive: true });
        await killAtCall(on(database, command), call, thread);
        await expectWholeCatalog(database);
        await expireLocks(database);
        for (const argv of again) await runHere(on(database, argv));
        await expectNoLeftovers(database);
        expect((await search(database)).equals(expected[answer]!), `killed before call ${call} of ${calls}`).toBe(true);
      }
    },
    240_000,
  );

  it('merge-hits', async () => {
    const { database, buckets } = await buildDatabase(join(folder, 'two'), [shard], { bucketSize: 800 });
    const inputs = buckets.map((bucket) => join(folder, `${bucket}.parquet`));
    for (const [i, bucket] of buckets.entries()) {
      const queries = ['--queries', join(folder, 'q.h5'), '--k', '5', '--search', 'exact'];
      await runHere(['search-bucket', '--bucket', bucket, '--database', database, ...queries, '--output', inputs[i]!]);
    }
    const merge = (output: string) => [
      ...['merge-hits', '--k', '5', '--threads', '2', '--input', ...inputs],
      ...['--output', join(output, 'neighbours.parquet'), '--csv', join(output, 'neighbours.csv')],
    ];
    const read = (output: string) =>
      Promise.all(['neighbours.parquet', 'neighbours.csv'].map((name) => readFile(join(output, name))));
    const counted = join(folder, 'merged', '0');
    const calls = await countCalls(merge(counted), join(folder, 'merge-count'));
    const whole = await read(counted);
    expect(calls).toBeGreaterThan(4);
    for (let call = 1; call <= calls; call++) {
      const output = join(folder, 'merged', `${call}`);
      await killAtCall(merge(output), call);
      // An output is whole or absent.
      for (const [i, name] of ['neighbours.parquet', 'neighbours.csv'].entries())
        expect([undefined, whole[i]]).toContainEqual(await readFile(join(output, name)).catch(() => undefined));
      await runHere(merge(output));
      expect(await read(output)).toEqual(whole);
      expect((await readdir(output)).sort()).toEqual(['neighbours.csv', 'neighbours.parquet']);
    }
  });
});
