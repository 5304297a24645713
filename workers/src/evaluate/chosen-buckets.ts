import type { CommandContext } from '../app/command.ts';
import { DataError } from '../base/errors.ts';
import { damagedBucket, type OpenBucket, openBucket } from '../bucket/open-bucket.ts';
import { checkBucketName } from '../database/catalog/bucket-name.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { noBuckets } from '../database/database-messages.ts';
import { explainedByChange } from '../database/table-state.ts';
import { chooseBuckets } from '../search/in-place/ask-database.ts';
import { isLanceError } from '../search/run-search.ts';
import { searchableEntry } from '../search/searchable-entry.ts';
import { modelIdentity } from '../shard/shard.ts';
import { EVALUATE_MESSAGES } from './evaluate-messages.ts';

/** Parses --buckets. @throws UsageError for a name that no bucket can have */
export function bucketsIn(list: string | undefined): string[] | undefined {
  return list?.split(',').map((name) => checkBucketName(name.trim()));
}

/**
 * Returns the entries of the buckets to evaluate that have rows.
 * @param names default: all buckets
 * @throws DataError if there are none, if the database lacks one of them, or if no query could be compared with all of them
 */
export async function chosenEntries(database: Database, names: readonly string[] | undefined): Promise<CatalogEntry[]> {
  await database.requireExists();
  const all = await database.entries();
  if (all.length === 0) throw new DataError(noBuckets(database.uri));
  const chosen = new Set(
    chooseBuckets(
      database.uri,
      all.map(({ bucket }) => bucket),
      names,
    ),
  );
  const entries = all.filter(({ bucket, rows }) => chosen.has(bucket) && rows > 0);
  if (entries.length === 0) throw new DataError(EVALUATE_MESSAGES.noRows(database.uri));
  const kinds = new Set(entries.map(kindOf));
  if (kinds.size > 1) throw new DataError(EVALUATE_MESSAGES.severalKinds(database.uri, [...kinds]));
  return entries;
}

function kindOf({ model, dimension, metric }: CatalogEntry): string {
  return `${modelIdentity(model) ?? 'an unknown model'}, ${dimension} components, ${metric}`;
}

/**
 * Opens a bucket with all that any strategy reads, and runs `use`. A bucket on S3 is fetched to this machine first.
 * @param stream reads it in place instead
 */
export async function withBucket<T>(
  database: Database,
  stored: CatalogEntry,
  stream: boolean,
  { log, progress }: CommandContext,
  use: (bucket: OpenBucket) => Promise<T>,
): Promise<T> {
  const { entry, isCompacted } = await searchableEntry(database, stored, log);
  const all = { vectors: true, columns: false, index: true, partitions: true };
  const options = { stream: stream || isCompacted, neededParts: async () => all, progress };
  try {
    await using opened = await database.nodeTables.openForSearch(entry, options);
    const bucket = await openBucket(database.withTables(opened.tables), opened.entry);
    try {
      return await use(bucket);
    } finally {
      bucket.table.close();
    }
  } catch (error) {
    const known = isLanceError(error) ? damagedBucket(database, entry.bucket, error) : error;
    throw await explainedByChange(database, entry, known);
  }
}
