import { availableParallelism } from 'node:os';
import type { CommandContext } from '../../app/command.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { Database } from '../../database/database.ts';
import { localTables } from '../../database/local/local-tables.ts';
import { type HitFilter, rowsToFind } from '../hit-sink.ts';
import { waysBeforeFetch } from './before-fetch.ts';
import type { SearchRequest, Way } from './choose.ts';
import { neededParts } from './needed-parts.ts';

/** Where a table on S3 is read. */
export interface Place {
  /** Folder that tasks on this node share; without, a scratch folder in the current one. */
  work: string | undefined;
  /** Read it where it is, and store nothing. */
  stream: boolean;
}

/**
 * Runs a search of a table that no other client changed where it is at hand: in its place, or in a copy of what the search needs.
 * @param request queryCount: where it may have to be fetched
 * @param search gets the database with the table, the entry with those of its files that are there, and the ways that `auto` may
 *   take then
 */
export async function withTable<T>(
  database: Database,
  entry: CatalogEntry,
  request: SearchRequest & HitFilter & { truth: boolean; queryCount: number },
  { work, stream }: Place,
  { progress, log }: CommandContext,
  search: (database: Database, entry: CatalogEntry, among?: readonly Way[]) => Promise<T>,
): Promise<T> {
  const { tables } = database;
  if (stream || !tables.bring) return search(database, entry);
  const asked = { ...request, k: Math.min(rowsToFind(request), entry.rows) };
  const among = waysBeforeFetch(asked, entry, request.queryCount, availableParallelism());
  if (among) log(`${entry.bucket}: what ${among.join(' and ')} need is fetched, which is expected to be quickest.`);
  const parts = neededParts({ ...asked, among }, entry);
  const { folder, files, release } = await tables.bring(entry, parts, { work, progress });
  try {
    const { partitions: _, ...rest } = entry;
    return await search(
      database.withTables(localTables(folder)),
      { ...(parts.partitions ? entry : rest), files },
      among,
    );
  } finally {
    await release();
  }
}
