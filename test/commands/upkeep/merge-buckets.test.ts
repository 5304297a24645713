import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { columnFrom } from '../../../workers/src/base/bytes/utf8-column.ts';
import { numberCells } from '../../../workers/src/base/columns/cells.ts';
import type { Column } from '../../../workers/src/base/columns/column-type.ts';
import { DataError, TransientError } from '../../../workers/src/base/errors.ts';
import type { CatalogEntry } from '../../../workers/src/database/catalog/catalog-entry.ts';
import { Database } from '../../../workers/src/database/database.ts';
import { WantedIds } from '../../../workers/src/ids/wanted-ids.ts';
import { createShard } from '../../../workers/src/shard/shard-writer.ts';
import { deleteRows } from '../../../workers/src/upkeep/delete-rows.ts';
import { type RebuildOptions, rebuildBuckets } from '../../../workers/src/upkeep/rebuild-buckets.ts';
import { runHere } from '../../support/command.ts';
import { bruteForce, buildDatabase } from '../../support/database.ts';
import { missingPython, python, sharedFolder } from '../../support/run.ts';
import { expectSameHits, searchHere } from '../../support/search.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../../support/shards.ts';

const DIMENSION = 32;
const STRATEGIES = ['exact', 'scan', 'ann'];

/** Returns the rows for which `isKept` holds. */
function filterRows({ dimension, ids, vectors }: Rows, isKept: (id: string) => boolean): Rows {
  const kept = [...ids.keys()].filter((row) => isKept(ids[row]!));
  return {
    dimension,
    ids: kept.map((row) => ids[row]!),
    vectors: Float32Array.from(kept.flatMap((row) => [...vectors.subarray(row * dimension, (row + 1) * dimension)])),
  };
}

describe('merge-buckets, compact and adopt', () => {
  let folder = '';
  let built = '';
  let queries = '';
  let shards: string[] = [];
  const rows = randomRows(1, 2600, DIMENSION);
  const asked = { ...sliceRows(rows, 0, 20), ids: Array.from({ length: 20 }, (_, i) => `q${i}`) };
  const isDeleted = (id: string) => Number(id.slice(1)) % 5 === 0;
  const left = filterRows(rows, (id) => !isDeleted(id));

  beforeAll(async () => {
    folder = await sharedFolder();
    const ends = [0, 100, 700, 1400, 2600];
    shards = await Promise.all(
      ends.slice(1).map((end, i) => writeShard(join(folder, `s${i}.h5`), sliceRows(rows, ends[i]!, end))),
    );
    for (const shard of shards) ({ database: built } = await buildDatabase(folder, [shard]));
    queries = await writeShard(join(folder, 'q.h5'), asked);
    await writeFile(join(folder, 'ids.txt'), rows.ids.filter(isDeleted).join('\n'));
  });

  async function copyOf(name: string): Promise<string> {
    const copy = join(folder, name);
    await cp(built, copy, { recursive: true });
    return copy;
  }

  const entriesOf = async (database: string) => (await Database.open(database)).entries();
  const deleteFrom = (database: string) =>
    runHere(['delete', '--database', database, '--ids', join(folder, 'ids.txt')]);

  async function expectRows(database: string, bucket: string, expected: Rows): Promise<void> {
    for (const strategy of STRATEGIES) {
      const options = ['--search', strategy, '--k', '5', '--nprobes', '1000', '--refine-factor', '1000'];
      const { hits } = await searchHere(folder, database, queries, options, bucket);
      expectSameHits(hits, bruteForce(asked, expected, 'cosine', 5, bucket), 1e-5);
    }
  }

  it('merges small buckets into one with the rows that are left', async () => {
    const database = await copyOf('merged');
    await deleteFrom(database);
    const before = await entriesOf(database);
    const result = await runHere(['merge-buckets', '--database', database, '--below', '900']);
    expect(result).toMatchObject({ buckets: { bucket_00005: ['bucket_00001', 'bucket_00002', 'bucket_00003'] } });
    const entries = await entriesOf(database);
    expect(entries.map(({ bucket, rows: count }) => [bucket, count])).toEqual([
      ['bucket_00004', 960],
      ['bucket_00005', 1120],
    ]);
    await expectRows(database, 'bucket_00005', sliceRows(left, 0, 1120));
    const [, merged] = entries as [CatalogEntry, CatalogEntry];
    expect(merged.sources).toEqual(before.slice(0, 3).flatMap(({ sources }) => sources));
    expect(merged.revision).toMatchObject({ removedRows: 280, addedRows: 0 });
    expect(merged.partitions?.count).toBeGreaterThan(1);
    expect((await readdir(database)).filter((name) => name.endsWith('.lance')).sort()).toEqual(
      entries.map(({ bucket }) => `${bucket}.lance`),
    );
    expect(await readdir(join(database, '_pending'))).toEqual([]);
    const partitions = await readdir(join(database, '_partitions'));
    expect(partitions.map((name) => name.slice(0, 12)).sort()).toEqual(entries.map(({ bucket }) => bucket));
    await runHere(['verify', '--database', database]);
    // Nothing is built again, and names go on.
    expect((await buildDatabase(folder, shards, { database })).buckets).toEqual([]);
    const more = await writeShard(join(folder, 'more.h5'), randomRows(9, 300, DIMENSION, 'm'));
    expect((await buildDatabase(folder, [more], { database })).buckets).toEqual(['bucket_00006']);
    const none = await runHere(['merge-buckets', '--database', database, '--below', '1000', '--bucket-size', '1200']);
    expect(none).toMatchObject({ rows: 0, buckets: {} });
  });

  it('carries the columns of all buckets, and their nulls', async () => {
    const own = join(folder, 'columns');
    const database = join(own, 'db');
    const kinds: Column[] = [
      { name: 'length', type: 'int64' },
      { name: 'score', type: 'float64' },
      { name: 'taxon', type: 'utf8' },
    ];
    const cellsOf = (ids: readonly string[]) => [
      numberCells(
        BigInt64Array.from(ids, (id) => 2n ** 60n + BigInt(id.slice(1))),
        () => false,
      ),
      // NaN is null.
      numberCells(
        Float64Array.from(ids, (id) => (Number(id.slice(1)) % 4 === 1 ? Number.NaN : Number(id.slice(1)) / 7)),
        () => false,
      ),
      columnFrom(ids.map((id) => `${id} = é`)),
    ];
    // The second shard has no taxon.
    for (const [i, count] of [3, 2].entries()) {
      const part = sliceRows(rows, 600 * i, 600 * i + 600);
      const path = join(own, `${i}.h5`);
      await mkdir(own, { recursive: true });
      const shard = await createShard(path, DIMENSION, 'float32', kinds.slice(0, count));
      shard.append(part.vectors, columnFrom(part.ids), { kept: cellsOf(part.ids).slice(0, count) });
      shard.finish({});
      await buildDatabase(own, [path]);
    }
    await deleteFrom(database);
    await runHere(['merge-buckets', '--database', database]);
    const [entry] = (await entriesOf(database)) as [CatalogEntry];
    expect(entry.columns).toEqual(kinds);
    expect(entry.rows).toBe(960);
    const table = await (await Database.open(database)).tables.open(entry.bucket);
    const found = new Map((await table.query().toArray()).map((row) => [row.id as string, row]));
    table.close();
    expect(found.size).toBe(960);
    for (const [id, { length, score, taxon }] of found) {
      const number = Number(id.slice(1));
      expect([length, score, taxon]).toEqual([
        2n ** 60n + BigInt(number),
        number % 4 === 1 ? null : number / 7,
        number < 600 ? `${id} = é` : null,
      ]);
    }
    await runHere(['verify', '--database', database]);
  });

  it('drops deleted rows and their disk space', async () => {
    const database = await copyOf('compacted');
    await deleteFrom(database);
    const before = await entriesOf(database);
    const twice = ['--bucket', 'bucket_00004', 'bucket_00004'];
    expect(await runHere(['compact', '--database', database, ...twice])).toMatchObject({
      buckets: { bucket_00004: 'bucket_00005' },
    });
    await expectRows(database, 'bucket_00005', sliceRows(left, 1120, 2080));
    const entry = (await entriesOf(database)).at(-1)!;
    expect([entry.rows, entry.deletedRows, entry.revision?.removedRows]).toEqual([960, undefined, 240]);
    expect(entry.bytes).toBeLessThan(0.9 * before.at(-1)!.bytes);
    await runHere(['compact', '--database', database]);
    expect((await entriesOf(database)).every(({ deletedRows }) => deletedRows === undefined)).toBe(true);
    expect(await runHere(['compact', '--database', database])).toMatchObject({ rows: 0, buckets: {} });
    await runHere(['verify', '--database', database]);
  });

  it('reads no row twice while the entries of replaced buckets are still there', async () => {
    const database = await copyOf('between');
    const catalog = join(database, '_catalog');
    await runHere(['merge-buckets', '--database', database, '--below', '900']);
    for (const name of ['bucket_00001', 'bucket_00002'])
      for (const path of [`_catalog/${name}.json`, `${name}.lance`])
        await cp(join(built, path), join(database, path), { recursive: true });
    expect((await entriesOf(database)).map(({ bucket }) => bucket)).toEqual(['bucket_00004', 'bucket_00005']);
    const answer = await runHere(['ask', '--id', 'p3', '--database', database, '--output', join(folder, 'a.csv')]);
    expect(answer).toMatchObject({ failed: [], vectors: 2600 });
    await runHere(['verify', '--database', database]);
    // A deletion that listed the buckets before they were merged does not make one part of the database again.
    const listed = new Set(['bucket_00001', 'bucket_00002', 'bucket_00003', 'bucket_00004']);
    const opened = await Database.open(database);
    const { signal } = new AbortController();
    const progress = { add() {}, stop() {} };
    expect(await deleteRows(opened, 'bucket_00001', listed, new WantedIds(['p3']), signal, progress)).toBe(0);
    expect((await entriesOf(database)).map(({ bucket }) => bucket)).toEqual(['bucket_00004', 'bucket_00005']);
    await runHere(['compact', '--database', database]);
    expect((await readdir(catalog)).sort()).toEqual(['bucket_00004.json', 'bucket_00005.json']);
  });

  it.skipIf(missingPython())('takes over rows that another client added, deleted and updated', async () => {
    const database = await copyOf('adopted');
    await deleteFrom(database);
    await python(
      `import sys, lancedb, pyarrow as pa
t = lancedb.connect(sys.argv[1]).open_table('bucket_00004')
t.delete("id = 'p2001'")
v = t.schema.field('embedding').type
t.add(pa.table({'embedding': pa.array([[1.0] + [0.0] * 31] * 2, v), 'id': ['new1', 'new2']}))
t.update(where="id = 'p2002'", values={'embedding': [0.0, 1.0] + [0.0] * 30})`,
      database,
    );
    const search = () => searchHere(folder, database, queries, ['--k', '5'], 'bucket_00004');
    await expect(search()).rejects.toThrow(/lanceflow adopt --database .*adopted --bucket bucket_00004/);
    await expect(runHere(['compact', '--database', database])).rejects.toThrow(DataError);
    const result = await runHere(['adopt', '--database', database, '--bucket', 'bucket_00004']);
    expect(result).toMatchObject({ replaced: 'bucket_00004', rows: 961 });
    const bucket = String(result.bucket);
    const own = filterRows(sliceRows(left, 1120, 2080), (id) => id !== 'p2001' && id !== 'p2002');
    const unit = (at: number) => Array.from({ length: DIMENSION }, (_, i) => (i === at ? 1 : 0));
    const expected = {
      dimension: DIMENSION,
      ids: [...own.ids, 'new1', 'new2', 'p2002'],
      vectors: Float32Array.from([...own.vectors, ...unit(0), ...unit(0), ...unit(1)]),
    };
    await expectRows(database, bucket, expected);
    const { revision } = (await entriesOf(database)).find((entry) => entry.bucket === bucket)!;
    expect(revision).toMatchObject({ removedRows: 240, addedRows: 1, isAdopted: true });
    expect(await runHere(['adopt', '--database', database, '--bucket', bucket])).toMatchObject({ replaced: undefined });
    await runHere(['verify', '--database', database]);
  });

  it('takes over what another client wrote after a deletion that was killed', async () => {
    const database = await Database.open(await copyOf('continued'));
    const bucket = 'bucket_00001';
    let checks = 0;
    const lost = {
      // The last check is the one before the catalog entry is written.
      throwIfAborted() {
        if (++checks === 5) throw new Error('killed');
      },
    } as AbortSignal;
    const wanted = new WantedIds(rows.ids.filter(isDeleted));
    const progress = { add() {}, stop() {} };
    await expect(deleteRows(database, bucket, new Set([bucket]), wanted, lost, progress)).rejects.toThrow('killed');
    const table = await database.tables.open(bucket);
    await table.delete("id = 'p1'");
    table.close();
    expect(await runHere(['adopt', '--database', database.uri, '--bucket', bucket])).toMatchObject({ rows: 79 });
    await runHere(['verify', '--database', database.uri]);
    expect((await readdir(join(database.uri, '_pending'))).filter((name) => name.endsWith('.revision'))).toEqual([]);
  });

  it('keeps a bucket to which another client writes meanwhile', async () => {
    const database = await Database.open(await copyOf('meanwhile'));
    const bucket = 'bucket_00001';
    const context = { progress: () => ({ add() {}, stop() {} }), log() {}, warn() {} };
    const rebuild = (open?: RebuildOptions['open']) => {
      const { signal: lost } = new AbortController();
      return rebuildBuckets(database, [bucket], { threads: 1, lost, ...(open && { open }) }, context);
    };
    const failure = rebuild(async () => {
      const table = await database.tables.open(bucket);
      await table.checkout(await table.version());
      const other = await database.tables.open(bucket);
      await other.delete("id = 'p1'");
      other.close();
      return table;
    });
    await expect(failure).rejects.toThrow(TransientError);
    expect((await database.entries()).map((entry) => entry.bucket)).toContain(bucket);
    // The next one removes what was built.
    const adopted = await runHere(['adopt', '--database', database.uri, '--bucket', bucket]);
    expect(adopted).toMatchObject({ rows: 99 });
    await runHere(['verify', '--database', database.uri]);
    expect(await readdir(join(database.uri, '_pending'))).toEqual([]);
  });

  it.skipIf(missingPython())('refuses a table of another form', async () => {
    const database = await copyOf('odd');
    await python(
      `import sys, lancedb, pyarrow as pa
db = lancedb.connect(sys.argv[1])
v = pa.array([[1.0] + [0.0] * 31], pa.list_(pa.float32(), 32))
db.create_table('bucket_00001', pa.table({'id': ['a'], 'text': ['b']}), mode='overwrite')
db.create_table('bucket_00002', pa.table({'id': ['a'], 'embedding': v, 'n': pa.array([1], pa.uint64())}), mode='overwrite')
db.create_table('bucket_00003', pa.table({'id': ['a'], 'embedding': v, 'h': pa.array([0.5], pa.float16())}), mode='overwrite')`,
      database,
    );
    const adopt = (bucket: string) => runHere(['adopt', '--database', database, '--bucket', bucket]);
    await expect(adopt('bucket_00001')).rejects.toThrow(
      /must have a column "embedding" with a vector of 32 components of float32/,
    );
    await expect(adopt('bucket_00002')).rejects.toThrow(/the column "n" of its table cannot be kept/);
    await expect(adopt('bucket_00003')).rejects.toThrow(/the column "h" of its table cannot be kept/);
  });
});
