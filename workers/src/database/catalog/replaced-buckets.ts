import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { DataError } from '../../base/errors.ts';
import { replacedBucket } from '../database-messages.ts';
import type { CatalogEntry } from './catalog-entry.ts';

const READS_AT_ONCE = 16;

/** The catalog of a database. */
interface Catalog {
  uri: string;
  entryNames(): Promise<string[]>;
  entry(bucket: string): Promise<CatalogEntry | undefined>;
}

/**
 * Finds the bucket that has the rows of another one: `merge-buckets`, `compact` or `adopt` replaced it. While the lock of a bucket is held,
 * no process replaces it.
 * @param entry of the bucket; undefined if it has none any more
 * @param known names of buckets that do not replace it, whose entries are not read
 */
export async function findReplacement(
  database: Catalog,
  bucket: string,
  entry: Pick<CatalogEntry, 'fingerprint'> | undefined,
  known: ReadonlySet<string> = new Set(),
): Promise<string | undefined> {
  const names = (await database.entryNames()).filter((name) => name !== bucket && !known.has(name));
  const others = await mapConcurrently(names, READS_AT_ONCE, (name) => database.entry(name));
  return replacementAmong(
    others.filter((other) => other !== undefined),
    bucket,
    entry,
  );
}

/** Finds the bucket that has the rows of another one among entries that were read. */
function replacementAmong(
  others: readonly Pick<CatalogEntry, 'bucket' | 'replaces'>[],
  bucket: string,
  entry: Pick<CatalogEntry, 'fingerprint'> | undefined,
): string | undefined {
  const isReplaced = (other: { bucket: string; fingerprint: string }) =>
    other.bucket === bucket && (!entry || other.fingerprint === entry.fingerprint);
  return others.find(({ replaces }) => replaces?.some(isReplaced))?.bucket;
}

/**
 * Checks that a bucket may be built: a new entry would make a replaced one part of the database again, beside its rows. The caller holds the
 * bucket's lock.
 * @param others all entries, where the caller has read them under the lock; default: they are read
 * @throws DataError that names the bucket with its rows
 */
export async function requireNotReplaced(
  database: Catalog,
  bucket: string,
  entry: Pick<CatalogEntry, 'fingerprint'> | undefined,
  others?: readonly Pick<CatalogEntry, 'bucket' | 'replaces'>[],
): Promise<void> {
  const by = others ? replacementAmong(others, bucket, entry) : await findReplacement(database, bucket, entry);
  if (by !== undefined) throw new DataError(replacedBucket(database.uri, bucket, by));
}
