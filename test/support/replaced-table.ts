import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TableReader } from '../../workers/src/database/table-reader.ts';
import { runHere } from './command.ts';
import { buildDatabase } from './database.ts';
import { sharedFolder, temporaryFolder } from './run.ts';
import { randomRows, writeShard } from './shards.ts';

/** Calls `before` with the number of each call that reads tables, before it. */
export function watched(tables: TableReader, before: (call: number) => Promise<void>): TableReader {
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

/** Two builds of a bucket with the same ids, but other vectors. */
export interface TableVersions {
  /** Copies the old build. @returns the database's folder */
  copyOld(): Promise<string>;
  /** Puts the new build in place of the old one, as a build does: the entry goes first and comes last. */
  replace(database: string): Promise<void>;
  /** Moves the rows of the old build into bucket_00002, as `compact` does. */
  compact(database: string): Promise<void>;
}

/** Builds the versions in a folder that the tests of a file share. */
export async function buildVersions(rows: number, dimension: number): Promise<TableVersions> {
  const folder = await sharedFolder();
  for (const [seed, name] of ['old', 'new'].entries()) {
    await mkdir(join(folder, name));
    const shard = await writeShard(join(folder, name, 'a.h5'), randomRows(seed, rows, dimension));
    await buildDatabase(join(folder, name), [shard]);
  }
  await cp(join(folder, 'old'), join(folder, 'compacted'), { recursive: true });
  await runHere(['compact', '--database', join(folder, 'compacted/db'), '--bucket', 'bucket_00001']);
  const copy = (name: string, to: string, part = '') =>
    cp(join(folder, name, 'db', part), join(to, part), { recursive: true });
  return {
    async copyOld() {
      const database = join(await temporaryFolder(), 'db');
      await copy('old', database);
      return database;
    },
    async replace(database) {
      await rm(join(database, '_catalog/bucket_00001.json'));
      for (const part of ['bucket_00001.lance', '_partitions']) {
        await rm(join(database, part), { recursive: true });
        await copy('new', database, part);
      }
      await copy('new', database, '_catalog');
    },
    async compact(database) {
      for (const part of ['bucket_00002.lance', '_partitions', '_catalog']) await copy('compacted', database, part);
      for (const part of ['_catalog/bucket_00001.json', 'bucket_00001.lance'])
        await rm(join(database, part), { recursive: true });
      for (const name of await readdir(join(database, '_partitions')))
        if (name.startsWith('bucket_00001')) await rm(join(database, '_partitions', name));
    },
  };
}
