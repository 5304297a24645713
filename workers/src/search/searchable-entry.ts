import { withExistingPartitions } from '../bucket/open-bucket.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { currentEntry } from '../database/table-state.ts';

/**
 * Returns a bucket's entry as its table is now, without its partitions where their file is missing.
 * @throws DataError if another client changed the rows of the table, or removed it
 */
export async function searchableEntry(database: Database, entry: CatalogEntry, log: (message: string) => void) {
  const { entry: current, isCompacted } = await currentEntry(database, entry, log);
  return { entry: await withExistingPartitions(database, current, log), isCompacted };
}
