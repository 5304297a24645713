import { DataError, TransientError, type UserError } from '../../base/errors.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { Database } from '../../database/database.ts';
import { IN_PLACE_MESSAGES } from './in-place-messages.ts';

/**
 * Reads the catalog entry of a bucket again. A build removes it before it changes a file of the table, so what was read before this call is
 * of the entry's table alone where it is the same.
 * @returns the error for a bucket that was built again or removed since; undefined if its entry is the same
 */
export async function findEntryChange(
  database: Database,
  { bucket, fingerprint }: CatalogEntry,
  cause?: unknown,
): Promise<UserError | undefined> {
  const now = await database.entry(bucket);
  if (now === undefined) return new DataError(IN_PLACE_MESSAGES.removed(database.uri, bucket), { cause });
  if (now.fingerprint === fingerprint) return undefined;
  return new TransientError(IN_PLACE_MESSAGES.rebuilt(database.uri, bucket), { cause });
}
