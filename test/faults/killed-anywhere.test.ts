// @module-tag slow

import { cp, readFile } from 'node:fs/promises';
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
/** A thread that writes many small units makes hundreds of calls. */
const THREAD_STRIDE = 20 * STRIDE;

/** Kills a command before each call that changes the file system, then runs it again as a user or Nextflow would. */
describe('a command killed before any of its changes to the database, and run again, has the same result:', () => {
  let folder = '';
  let plan = '';
  const databases: Record<string, string> = {};
  const expected: Record<string, Buffer> = {};

  beforeAll(async () => {
    folder = await sharedFolder();
    const rows = randomRows(1, 1500, 16);
    const shards = [
      await writeShard(join(folder, 'a.h5'), sliceRows(rows, 0, 900)),
      await writeShard(join(folder, 'b.h5'), sliceRows(rows, 900, 1500)),
    ];
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
  }, 60_000);

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
      expect(calls).toBeGreaterThan(10);
      for (let call = 1; call <= calls; call += thread === undefined ? STRIDE : THREAD_STRIDE) {
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
});
