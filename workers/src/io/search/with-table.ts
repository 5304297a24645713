import type { CommandContext } from '../../command.ts';
import type { CatalogEntry } from '../../core/catalog.ts';
import type { SearchRequest } from '../../core/search/choose.ts';
import { neededParts } from '../../core/search/needed-parts.ts';
import type { Database } from '../database.ts';
import { localTables } from '../local-tables.ts';
import { type HitFilter, rowsToFind } from './hit-sink.ts';

/** Where a table on S3 is read. */
export interface Place {
  /** Folder that tasks on this node share; without, a scratch folder in the current one. */
  work: string | undefined;
  /** Read it where it is, and store nothing. */
  stream: boolean;
}

/**
 * Runs a search where the bucket's table is at hand: in its place, or in a copy of what the search needs.
 * @param search gets the database with the table, and the entry with those of its files that are there
 */
export async function withTable<T>(
  database: Database,
  entry: CatalogEntry,
  request: SearchRequest & HitFilter & { truth: boolean },
  { work, stream }: Place,
  { progress }: CommandContext,
  search: (database: Database, entry: CatalogEntry) => Promise<T>,
): Promise<T> {
  const { tables } = database;
  if (stream || !tables.bring) return search(database, entry);
  const parts = neededParts({ ...request, k: Math.min(rowsToFind(request), entry.rows) }, entry);
  const { folder, files, release } = await tables.bring(entry, parts, { work, progress });
  try {
    const { partitions: _, ...rest } = entry;
    return await search(database.withTables(localTables(folder)), { ...(parts.partitions ? entry : rest), files });
  } finally {
    await release();
  }
}
