import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { runHere } from './command.ts';
import { buildDatabase } from './database.ts';
import { sharedFolder } from './run.ts';
import { type Rows, randomRows, sliceRows, writeShard } from './shards.ts';

/** Rows as a shard, and the hits of the first ones as queries. */
export interface SearchedRows {
  rows: Rows;
  /** The folder of the shard, for all tests of a file. */
  folder: string;
  shard: string;
  /** Hits in a database in a folder that nothing disturbed. */
  expected: Buffer;
  /** Searches the first bucket of a database exactly. @returns the file of hits */
  search(database: string, ...options: string[]): Promise<Buffer>;
}

/** Writes 1,500 rows as a shard and searches them, for all tests of a file. Call it inside `describe`. */
export function withSearchedRows(): SearchedRows {
  const held = {} as SearchedRows;
  beforeAll(async () => {
    Object.assign(held, await searchedRows());
  });
  return held;
}

async function searchedRows(): Promise<SearchedRows> {
  const folder = await sharedFolder();
  const rows = randomRows(1, 1500, 16);
  const shard = await writeShard(join(folder, 's.h5'), rows);
  const queries = await writeShard(join(folder, 'q.h5'), sliceRows(rows, 0, 20));
  const output = join(folder, 'hits.parquet');
  async function search(database: string, ...options: string[]): Promise<Buffer> {
    const argv = ['search-bucket', '--bucket', 'bucket_00001', '--database', database, '--queries', queries];
    await runHere([...argv, '--search', 'exact', '--k', '5', '--output', output, ...options]);
    return readFile(output);
  }
  const { database } = await buildDatabase(folder, [shard]);
  return { rows, folder, shard, expected: await search(database), search };
}
