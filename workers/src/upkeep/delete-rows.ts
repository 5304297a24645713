import { randomInt, randomUUID } from 'node:crypto';
import type { Progress } from '../app/progress.ts';
import { DataError } from '../base/errors.ts';
import { readDeletions } from '../bucket/deleted-rows.ts';
import { damagedBucket } from '../bucket/open-bucket.ts';
import type { PlanSource } from '../database/catalog/bucket-plan.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import { findReplacement } from '../database/catalog/replaced-buckets.ts';
import type { Database } from '../database/database.ts';
import { publishRevision, undoRevision } from '../database/revision/publish-revision.ts';
import { openVersion, requireUnchanged } from '../database/table-state.ts';
import type { WantedIds } from '../ids/wanted-ids.ts';
import { addDeletions } from '../lance/format/deletions/add-deletions.ts';
import { FRAGMENT_ROWS } from '../lance/format/file-format.ts';
import { manifestName } from '../lance/format/manifest-file.ts';
import { readIds } from '../lance/read-table.ts';
import type { ChooseRows } from './ids-of-sources.ts';
import { changedByClient, withoutFragments } from './upkeep-messages.ts';

const MOST_FILE_NUMBER = 2 ** 47;

/**
 * Deletes all rows of a bucket that have one of the wanted ids. The data files stay; searches skip the rows from the new catalog entry on.
 * The caller holds the bucket's lock.
 * @param listed names of the buckets that were part of the database when this one was listed, and of those listed before
 * @param wanted of all buckets; those found are marked
 * @returns deleted rows
 * @throws DataError if another client changed the table
 */
export async function deleteRows(
  database: Database,
  bucket: string,
  listed: ReadonlySet<string>,
  wanted: WantedIds,
  lost: AbortSignal,
  progress: Progress,
): Promise<number> {
  const entry = await database.entry(bucket);
  // Merged into another bucket since it was listed, or removed. A new entry would make a replaced bucket part of the database again.
  if (!entry || (await findReplacement(database, bucket, entry, listed)) !== undefined) return 0;
  await openToDelete(database, entry);
  const found = await findRows(database, entry, (ids) => wanted.findAll(ids), progress);
  if (found.size === 0) return 0;
  await publishDeletion(database, entry, found, entry.sources, lost);
  return countRows(found);
}

/** Prepares a bucket for a deletion. The caller holds its lock. @throws DataError if another client changed the table */
export async function openToDelete(database: Database, entry: CatalogEntry): Promise<void> {
  await undoRevision(database, entry);
  const state = await requireUnchanged(database, entry);
  if ('version' in state) throw new DataError(changedByClient(database.uri, entry.bucket, state.version));
}

/** Returns the number of rows in lists of positions by fragment. */
export function countRows(found: ReadonlyMap<number, readonly number[]>): number {
  return [...found.values()].reduce((sum, { length }) => sum + length, 0);
}

/** Finds rows of a table by their ids. @param found receives their positions by fragment @returns found */
export async function findRows(
  database: Database,
  entry: CatalogEntry,
  choose: ChooseRows,
  progress: Progress,
  found = new Map<number, number[]>(),
): Promise<Map<number, number[]>> {
  const table = await openVersion(database, entry);
  try {
    for await (const { ids, rowIds } of readIds(table)) {
      for (const row of choose(ids)) {
        const fragment = Math.floor(rowIds[row]! / FRAGMENT_ROWS);
        const positions = found.get(fragment) ?? [];
        positions.push(rowIds[row]! % FRAGMENT_ROWS);
        found.set(fragment, positions);
      }
      progress.add(rowIds.length);
    }
  } catch (error) {
    throw damagedBucket(database, entry.bucket, error);
  } finally {
    table.close();
  }
  return found;
}

/**
 * Publishes a deletion. The caller holds the bucket's lock.
 * @param found positions of the rows by fragment @param sources those that the bucket still has
 * @throws DataError if the catalog does not say where the table stores its vectors
 */
export async function publishDeletion(
  database: Database,
  entry: CatalogEntry,
  found: ReadonlyMap<number, readonly number[]>,
  sources: readonly PlanSource[],
  lost: AbortSignal,
): Promise<void> {
  const { bucket, files, deletedRows = 0 } = entry;
  const count = countRows(found);
  if (count > 0 && !entry.fragments) throw new DataError(withoutFragments(database.uri, bucket));
  const earlier = await readDeletions(database, entry);
  const deleted = new Map(
    Array.from(found, ([fragment, positions]) => {
      const all = Uint32Array.from([...(earlier.get(fragment) ?? []), ...positions]).sort();
      return [fragment, all] as const;
    }),
  );
  const before = files.find(({ path }) => path.startsWith('_versions/'))!;
  const manifest = await database.tables.read(`${bucket}.lance/${before.path}`);
  const made = addDeletions(manifest, deleted, randomUUID(), randomInt(MOST_FILE_NUMBER), Date.now());
  const replaced = [...deleted.keys()].map((fragment) => `_deletions/${fragment}-`);
  const revision = {
    tableVersion: made.version,
    rows: entry.rows - count,
    deletedRows: deletedRows + count,
    sources,
    files: [
      ...made.deletions.map(({ path, bytes }) => ({ path, content: bytes })),
      { path: `_transactions/${made.transaction.name}`, content: made.transaction.bytes },
      { path: manifestName(made.version), content: made.manifest },
    ],
    keeps: (path: string) =>
      !/^_(versions|transactions)\//.test(path) && !replaced.some((prefix) => path.startsWith(prefix)),
  };
  await publishRevision(database, entry, revision, lost);
}
