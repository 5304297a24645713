import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runHere } from './command.ts';
import { buildDatabase } from './database.ts';
import { type Rows, sliceRows, writeShard } from './shards.ts';

/** A shard, and the hits of its first rows as queries. */
export interface SearchedRows {
  shard: string;
  /** Hits in a database in a folder that nothing disturbed. */
  expected: Buffer;
  /** Searches the first bucket of a database exactly. @returns the file of hits */
  search(database: string, ...options: string[]): Promise<Buffer>;
}

/** Writes rows as a shard in a folder, and searches them there. */
export async function searchedRows(folder: string, rows: Rows): Promise<SearchedRows> {
  const shard = await writeShard(join(folder, 's.h5'), rows);
  const queries = await writeShard(join(folder, 'q.h5'), sliceRows(rows, 0, 20));
  const output = join(folder, 'hits.parquet');
  async function search(database: string, ...options: string[]): Promise<Buffer> {
    const argv = ['search-bucket', '--bucket', 'bucket_00001', '--database', database, '--queries', queries];
    await runHere([...argv, '--search', 'exact', '--k', '5', '--output', output, ...options]);
    return readFile(output);
  }
  const { database } = await buildDatabase(folder, [shard]);
  return { shard, expected: await search(database), search };
}
