// @module-tag slow

import { cp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../workers/src/database/database.ts';
import { runHere } from '../support/command.ts';
import { countCalls, expectWholeCatalog, expireLocks, killAtCall } from '../support/crash.ts';
import { buildDatabase, readHitRows } from '../support/database.ts';
import { sharedFolder } from '../support/run.ts';
import { randomRows, sliceRows, writeShard } from '../support/shards.ts';

/** Kills commands that change a database before each call that changes the file system, then runs them again. */
describe('a database whose upkeep is killed at any moment', () => {
  let folder = '';
  let built = '';
  const rows = randomRows(1, 2400, 16);
  const deleted = rows.ids.filter((_, row) => row % 7 === 0);

  beforeAll(async () => {
    folder = await sharedFolder();
    const shards = [
      await writeShard(join(folder, 'a.h5'), sliceRows(rows, 0, 1200)),
      await writeShard(join(folder, 'b.h5'), sliceRows(rows, 1200, 2400)),
    ];
    await writeShard(join(folder, 'q.h5'), { ...sliceRows(rows, 0, 1), ids: ['q'] });
    ({ database: built } = await buildDatabase(folder, shards, { bucketSize: 1200 }));
    await writeFile(join(folder, 'ids.txt'), deleted.join('\n'));
  });

  /** Lists the ids of all rows as searches of all buckets find them, sorted. */
  async function idsFound(database: string): Promise<string[]> {
    const found: string[] = [];
    for (const { bucket, rows: count } of await (await Database.open(database)).entries()) {
      const output = join(database, '..', 'hits.parquet');
      const queries = ['--queries', join(folder, 'q.h5'), '--k', `${count + 1}`, '--search', 'exact'];
      await runHere(['search-bucket', '--bucket', bucket, '--database', database, ...queries, '--output', output]);
      const targets = (await readHitRows(output)).map(({ target }) => target);
      expect(targets).toHaveLength(count);
      found.push(...targets);
    }
    return found.sort();
  }

  const copy = async (name: string) => {
    await cp(built, join(folder, name, 'db'), { recursive: true });
    return join(folder, name, 'db');
  };

  it('finds every row exactly once, whenever merge-buckets is killed', async () => {
    const command = (database: string) => ['merge-buckets', '--database', database, '--threads', '1'];
    const all = rows.ids.slice().sort();
    const calls = await countCalls(command(await copy('merged')), join(folder, 'count'));
    expect(calls).toBeGreaterThan(40);
    // The last calls replace the buckets.
    for (let call = 1; call <= calls; call += call < calls - 12 ? 12 : 3) {
      const database = await copy(`m${call}`);
      await killAtCall(command(database), call);
      expect(await idsFound(database), `killed before call ${call} of ${calls}`).toEqual(all);
      await expireLocks(database);
      await runHere(command(database));
      expect(await idsFound(database), `killed before call ${call} of ${calls}`).toEqual(all);
      await runHere(['verify', '--database', database]);
      const names = await readdir(database, { recursive: true });
      expect(names.filter((name) => /\.tmp|^_pending\//.test(name))).toEqual([]);
      expect(names.filter((name) => name.endsWith('.lance') && !name.includes('/'))).toHaveLength(1);
    }
  }, 240_000);

  /** Kills a command at many calls; each time the rows are all there, and the same command finishes. */
  async function killOften(name: string, from: string, command: (database: string) => string[], expected: string[]) {
    const copyFrom = async (to: string) => {
      const database = join(folder, to, 'db');
      await cp(from, database, { recursive: true });
      return database;
    };
    const calls = await countCalls(command(await copyFrom(`${name}-counted`)), join(folder, 'count'));
    expect(calls).toBeGreaterThan(20);
    // The last calls replace the bucket.
    for (let call = 2; call <= calls; call += call < calls - 10 ? 25 : 3) {
      const where = `${name} killed before call ${call} of ${calls}`;
      const database = await copyFrom(`${name}-${call}`);
      await killAtCall(command(database), call);
      await expireLocks(database);
      await runHere(command(database)).catch((error: Error) => {
        // The bucket was replaced before the kill.
        expect(error.message, where).toMatch(/bucket_00001 was replaced: its rows are in bucket_00003/);
      });
      expect(await idsFound(database), where).toEqual(expected);
      await runHere(['verify', '--database', database]);
      await runHere(['compact', '--database', database]);
      const names = await readdir(database, { recursive: true });
      expect(names.filter((path) => /\.tmp|^_pending\//.test(path))).toEqual([]);
      expect(names.filter((path) => /^[^/]+\.lance$/.test(path))).toHaveLength(2);
    }
  }

  it('loses no row of a bucket that compact writes again, whenever it is killed', async () => {
    const from = await copy('to-compact');
    await runHere(['delete', '--database', from, '--ids', join(folder, 'ids.txt')]);
    const gone = new Set(deleted);
    const left = rows.ids.filter((id) => !gone.has(id)).sort();
    const argv = (database: string) => [
      'compact',
      '--database',
      database,
      '--bucket',
      'bucket_00001',
      '--threads',
      '1',
    ];
    await killOften('compact', from, argv, left);
  }, 240_000);

  it('loses no row that adopt takes over, whenever it is killed', async () => {
    const from = await copy('to-adopt');
    const table = await (await Database.open(from)).tables.open('bucket_00001');
    await table.delete("id = 'p5'");
    table.close();
    const left = rows.ids.filter((id) => id !== 'p5').sort();
    const argv = (database: string) => ['adopt', '--database', database, '--bucket', 'bucket_00001', '--threads', '1'];
    await killOften('adopt', from, argv, left);
  }, 240_000);

  it('has every row of a changed file or of its earlier version, whenever delete-replaced is killed', async () => {
    const from = await copy('to-replace');
    const changed = { ...sliceRows(rows, 0, 1200), vectors: randomRows(7, 1200, 16).vectors };
    const [shard, other, plan] = ['a2.h5', 'b.h5', 'replace.json'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await writeShard(shard, changed);
    await runHere(['merge-buckets', '--database', from]);
    const inputs = ['--input', shard, other, '--name', join(folder, 'a.h5'), other];
    await runHere(['pack-buckets', ...inputs, '--database', from, '--replace', '--output', plan]);
    const bucket = ['--bucket', 'bucket_00004', '--database', from];
    await runHere(['ingest-bucket', '--plan', plan, '--shards', shard, ...bucket]);
    await runHere(['index-bucket', ...bucket]);
    const command = (database: string) => [
      'delete-replaced',
      '--plan',
      plan,
      '--input',
      shard,
      other,
      '--database',
      database,
    ];
    const start = async (name: string) => {
      await cp(from, join(folder, name, 'db'), { recursive: true });
      return join(folder, name, 'db');
    };
    const calls = await countCalls(command(await start('replaced')), join(folder, 'count'));
    expect(calls).toBeGreaterThan(8);
    for (let call = 1; call <= calls; call += 4) {
      const database = await start(`r${call}`);
      await killAtCall(command(database), call);
      await expectWholeCatalog(database);
      const between = new Set(await idsFound(database));
      expect(rows.ids.filter((id) => !between.has(id))).toEqual([]);
      await expireLocks(database);
      await runHere(command(database));
      expect(await idsFound(database), `killed before call ${call} of ${calls}`).toEqual(rows.ids.slice().sort());
      await runHere(['verify', '--database', database]);
    }
  }, 240_000);

  it('finds the rows of each bucket from before or after a deletion', async () => {
    const gone = new Set(deleted);
    const left = rows.ids.filter((id) => !gone.has(id)).sort();
    const command = (database: string) => ['delete', '--database', database, '--ids', join(folder, 'ids.txt')];
    const calls = await countCalls(command(await copy('counted')), join(folder, 'count'));
    expect(calls).toBeGreaterThan(20);
    for (let call = 1; call <= calls; call += 3) {
      const database = await copy(`${call}`);
      await killAtCall(command(database), call);
      await expectWholeCatalog(database);
      const between = await idsFound(database);
      const half = (ids: readonly string[], first: boolean) =>
        ids.filter((id) => Number(id.slice(1)) < 1200 === first).sort();
      for (const first of [true, false])
        expect([half(rows.ids, first), half(left, first)]).toContainEqual(half(between, first));
      await expireLocks(database);
      await runHere(command(database));
      expect(await idsFound(database), `killed before call ${call} of ${calls}`).toEqual(left);
      await runHere(['verify', '--database', database]);
      const pending = await readdir(join(database, '_pending'));
      expect(pending.filter((name) => name.endsWith('.revision'))).toEqual([]);
    }
  }, 240_000);
});
