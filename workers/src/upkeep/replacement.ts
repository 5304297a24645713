import { join } from 'node:path';
import { removeStale } from '../base/files/temporary.ts';
import { withBucketLock } from '../database/bucket-lock.ts';
import type { CatalogEntry, IngestRecord } from '../database/catalog/catalog-entry.ts';
import { Database } from '../database/database.ts';
import { nextRevision } from '../database/revision/publish-revision.ts';
import { isExported } from './export-rows.ts';

/** Name of the scratch folders of exported rows. */
export const EXPORTED_ROWS = 'rows';

/** Name of the lock that lets one process at a time replace buckets of a database. */
const REPLACEMENT_LOCK = 'upkeep';

/**
 * Opens a database, and runs `use` while no other process replaces its buckets, and without what killed processes left.
 * @param work scratch folder, as for `Database.open`
 * @param use receives a signal that is aborted when the lock is lost; after that it must not write
 * @throws DataError if there is no such database, TransientError if the lock was lost
 */
export async function withReplacements<T>(
  uri: string,
  work: string | undefined,
  use: (database: Database, lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const database = await Database.open(uri, work);
  await database.requireExists();
  return withBucketLock(database, REPLACEMENT_LOCK, async (lost) => {
    await finishReplacements(database);
    return use(database, lost);
  });
}

/**
 * Returns the entry of a bucket with the rows of others, which it replaces as soon as it is written.
 * @param made the entry of its table, whose sources are the exported rows
 * @param replaced entries of the others @param isAdopted whether another client has changed their rows
 */
export function replacementOf(made: CatalogEntry, replaced: readonly CatalogEntry[], isAdopted: boolean): CatalogEntry {
  const sum = (count: (entry: CatalogEntry) => number) => replaced.reduce((total, entry) => total + count(entry), 0);
  const revisions = replaced.map(nextRevision);
  // Rows of another client may be fewer or more.
  const more = made.rows - sum(({ rows }) => rows);
  return {
    ...made,
    sources: replaced.flatMap(({ sources }) => sources),
    revision: {
      of: revisions.flatMap(({ of }) => of),
      removedRows: sum((entry) => entry.revision?.removedRows ?? 0) + Math.max(0, -more),
      addedRows: sum((entry) => entry.revision?.addedRows ?? 0) + Math.max(0, more),
      ...(isAdopted || revisions.some((revision) => revision.isAdopted) ? { isAdopted: true } : {}),
    },
    replaces: replaced.map(({ bucket, fingerprint }) => ({ bucket, fingerprint })),
  };
}

/**
 * Removes the entries and tables of buckets that another one replaces, and what killed processes left of new ones. Is called within
 * `withReplacements`.
 */
export async function finishReplacements(database: Database): Promise<void> {
  const pending = await database.pending();
  const entries = await database.allEntries();
  const byName = new Map(entries.map((entry) => [entry.bucket, entry]));
  const planned = new Set(pending.map(({ bucket }) => bucket));
  for (const { replaces = [] } of entries)
    for (const { bucket, fingerprint } of replaces) {
      const entry = byName.get(bucket);
      // Another build may have the name by now.
      if (entry ? entry.fingerprint !== fingerprint : planned.has(bucket)) continue;
      if (entry) {
        // Of a build that was killed after it wrote the entry: with the record alone, index-bucket would write the entry again.
        if (planned.has(bucket)) await database.removePending(bucket);
        await database.removeEntry(bucket);
      }
      await database.publisher.remove(bucket);
      await database.locks.removeEnded(bucket);
    }
  await removeStale(join(database.nodeTables.scratch, EXPORTED_ROWS));
  for (const record of pending)
    if (record.sources.every(isExported)) await discard(database, record, byName.has(record.bucket));
}

async function discard(database: Database, { bucket }: IngestRecord, isEntered: boolean): Promise<void> {
  if (!isEntered) await database.publisher.remove(bucket);
  await database.locks.removeEnded(bucket);
  await database.removePending(bucket);
}
