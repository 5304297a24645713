import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CatalogEntry, fingerprint } from '../../../workers/src/database/catalog/catalog-entry.ts';
import { Database } from '../../../workers/src/database/database.ts';
import { findId } from '../../../workers/src/search/in-place/find-id.ts';
import { buildDatabase } from '../../support/database.ts';
import { sharedFolder } from '../../support/run.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../../support/shards.ts';

const SILENT = { add() {}, stop() {} };
const QUOTED = ["x'; DROP TABLE y; --", 'a "quoted", id', "' OR '1' = '1"];

/** The entry of a table with other content. */
function builtAgain(entry: CatalogEntry): CatalogEntry {
  const files = entry.files.map((file) => ({ ...file, checksum: 'crc64nvme:0123456789abcdef' }));
  return { ...entry, files, fingerprint: fingerprint({ ...entry, files }) };
}

describe('findId', () => {
  let folder = '';
  let database: Database;
  let entries: CatalogEntry[];
  let rows: Rows;

  beforeAll(async () => {
    folder = await sharedFolder();
    rows = randomRows(6, 4000, 8);
    for (const [i, id] of QUOTED.entries()) rows.ids[1000 * i + 5] = id;
    const parts = [0, 1500, 3000].map((first, i) => sliceRows(rows, first, [1500, 3000, 4000][i]!));
    const shards = await Promise.all(parts.map((part, i) => writeShard(join(folder, `${i}.h5`), part)));
    const { database: uri } = await buildDatabase(folder, shards, { bucketSize: 1500 });
    database = await Database.open(uri);
    entries = await database.entries();
  });

  const find = (id: string, of: Database = database, among = entries) => findId(of, among, id, SILENT);
  const vectorOf = (id: string) => {
    const row = rows.ids.indexOf(id);
    return rows.vectors.slice(row * 8, row * 8 + 8);
  };

  it('finds the vectors of all buckets, whatever the characters of their ids', async () => {
    expect(entries).toHaveLength(3);
    for (const id of [...QUOTED, 'p0', 'p1', 'p10', 'p1499', 'p1500', 'p3999'])
      expect((await find(id))?.vector).toEqual(vectorOf(id));
    for (const id of ['p', '0', 'p4000', 'P1', 'p1 ']) expect(await find(id)).toBeUndefined();
  });

  it('reads neither vectors of others nor through LanceDB', async () => {
    let bytes = 0;
    const { tables } = database;
    const counting = database.withTables({
      ...tables,
      open: () => Promise.reject(new Error('opened')),
      async openFile(path) {
        const file = await tables.openFile(path);
        const read = (into: Uint8Array, position: number) => {
          bytes += into.length;
          return file.read(into, position);
        };
        return { read, close: () => file.close() };
      },
    });
    expect(await find('p3998', counting)).toMatchObject({ bucket: 'bucket_00003' });
    expect(await find('absent', counting)).toBeUndefined();
    expect(bytes).toBeLessThan(4000 * 8 * 4);
  });

  it('finds them through LanceDB where the form of the files is unknown', async () => {
    const foreign = entries.map(({ fragments: _, partitions: __, ...entry }) => entry);
    for (const id of [QUOTED[0]!, 'p2999']) expect((await find(id, database, foreign))?.vector).toEqual(vectorOf(id));
    expect(await find('absent', database, foreign)).toBeUndefined();
  });

  it('takes the newest bucket that has the id', async () => {
    // The entry of another name: the same rows are in both buckets.
    const twice = entries.map((entry, i) =>
      i === 2 ? entry : { ...entry, fragments: entries[0]!.fragments!, files: entries[0]!.files },
    );
    const { tables } = database;
    const same = database.withTables({
      ...tables,
      sizes: (bucket, within) => tables.sizes(bucket === 'bucket_00002' ? 'bucket_00001' : bucket, within),
      read: (path) => tables.read(path.replace('bucket_00002', 'bucket_00001')),
      openFile: (path) => tables.openFile(path.replace('bucket_00002', 'bucket_00001')),
    });
    expect(await find('p7', same, twice)).toMatchObject({ bucket: 'bucket_00002', vector: vectorOf('p7') });
  });

  it.each([
    ['built again', /bucket_00002 was built again while it was read/],
    ['removed', /bucket_00002 was removed from the database/],
    ['damaged', /bucket_00002 is damaged/],
  ])('fails with an error that names a bucket that is %s while it is read', async (what, message) => {
    const entry = entries[1]!;
    const { tables } = database;
    const changing = database.withTables({
      ...tables,
      async openFile(path) {
        const file = await tables.openFile(path);
        const read = async (into: Uint8Array, position: number) => {
          await file.read(into, position);
          if (!path.includes('bucket_00002')) return;
          if (what === 'removed') await database.removeEntry(entry.bucket);
          if (what === 'built again') await database.writeEntry(builtAgain(entry));
          if (what === 'damaged') into.fill(0);
        };
        return { read, close: () => file.close() };
      },
    });
    await expect(find('p2000', changing)).rejects.toThrow(message);
    await database.writeEntry(entry);
  });
});
