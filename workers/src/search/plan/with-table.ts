import { availableParallelism } from 'node:os';
import type { CommandContext } from '../../app/command.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { Database } from '../../database/database.ts';
import { type HitFilter, rowsToFind } from '../hit-sink.ts';
import { waysBeforeFetch } from './before-fetch.ts';
import type { SearchRequest, Way } from './choose.ts';
import { neededParts } from './needed-parts.ts';

/**
 * Runs a search of a table that no other client changed where it is at hand: in its place, or in a copy of what the search needs.
 * @param request queryCount: read where the table is fetched
 * @param stream reads a table on S3 in place, and stores nothing
 * @param search gets the database with the table, the entry with those of its files that are there, and the ways that `auto` may
 *   take then
 */
export async function withTable<T>(
  database: Database,
  entry: CatalogEntry,
  request: SearchRequest & HitFilter & { truth: boolean; queryCount: () => Promise<number> },
  stream: boolean,
  { progress, log }: CommandContext,
  search: (database: Database, entry: CatalogEntry, among?: readonly Way[]) => Promise<T>,
): Promise<T> {
  const asked = { ...request, k: Math.min(rowsToFind(request), entry.rows) };
  let among: readonly Way[] | undefined;
  const chooseParts = async () => {
    among = waysBeforeFetch(asked, entry, await request.queryCount(), availableParallelism());
    if (among) log(`${entry.bucket}: what ${among.join(' and ')} need is fetched, which is expected to be quickest.`);
    return neededParts({ ...asked, among }, entry);
  };
  return database.nodeTables.withTable(entry, { stream, neededParts: chooseParts, progress }, (tables, present) =>
    search(database.withTables(tables), present, among),
  );
}
