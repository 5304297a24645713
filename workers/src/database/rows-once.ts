import { DataError } from '../base/errors.ts';
import type { CatalogEntry } from './catalog/catalog-entry.ts';
import type { PlanSource } from './catalog/plan.ts';
import type { Database } from './database.ts';

/**
 * Two builds that were planned at the same moment can each have planned the same rows.
 * @throws DataError where another bucket of the database has any of these rows
 */
export async function requireRowsOnce(
  database: Database,
  bucket: string,
  sources: readonly PlanSource[],
): Promise<void> {
  const other = (await database.entries()).find((entry) => entry.bucket !== bucket && overlaps(entry, sources));
  if (other)
    throw new DataError(
      `${database.uri}: another build has put rows of ${bucket} into ${other.bucket} meanwhile. Run the build again: it leaves ` +
        'out what the database has.',
    );
}

/**
 * Takes a bucket that was just entered out again where another one has rows of it. Both builds may do so, never none: each
 * writes its entry before it reads the other's.
 */
export async function withdrawUnlessOnce(database: Database, { bucket, sources }: CatalogEntry): Promise<void> {
  try {
    await requireRowsOnce(database, bucket, sources);
  } catch (error) {
    if (error instanceof DataError) {
      await database.removeEntry(bucket);
      await database.publisher.remove(bucket);
    }
    throw error;
  }
}

function overlaps(entry: CatalogEntry, sources: readonly PlanSource[]): boolean {
  return entry.sources.some((one) =>
    sources.some((other) => one.contentHash === other.contentHash && one.start < other.end && other.start < one.end),
  );
}
