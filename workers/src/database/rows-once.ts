import { DataError } from '../base/errors.ts';
import { type PlanSource, rowHashOf } from './catalog/bucket-plan.ts';
import type { CatalogEntry } from './catalog/catalog-entry.ts';
import type { Database } from './database.ts';
import { rowsInOtherBucket } from './database-messages.ts';

/**
 * Checks that no other bucket has rows of these sources: two builds that were planned at the same moment can contain the same rows.
 * @param entries of the database, where the caller has read them; default: they are read
 * @throws DataError that names the other bucket
 */
export async function requireRowsOnce(
  database: Database,
  bucket: string,
  sources: readonly PlanSource[],
  entries?: readonly CatalogEntry[],
): Promise<void> {
  const other = (entries ?? (await database.entries())).find(
    (entry) => entry.bucket !== bucket && overlaps(entry, sources),
  );
  if (other) throw new DataError(rowsInOtherBucket(database.uri, bucket, other.bucket));
}

/**
 * Withdraws a bucket that was just entered in the catalog if another bucket has rows of it. Of two builds, at least one withdraws, because
 * each writes its entry before it reads the other's; both may withdraw.
 * @throws DataError if the bucket was withdrawn
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
    sources.some((other) => rowHashOf(one) === rowHashOf(other) && one.start < other.end && other.start < one.end),
  );
}
