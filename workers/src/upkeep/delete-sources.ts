import type { CommandContext } from '../app/command.ts';
import type { Progress } from '../app/progress.ts';
import { DataError } from '../base/errors.ts';
import { withBucketLock } from '../database/bucket-lock.ts';
import { type BucketPlan, type PlanSource, type ReplacedSources, rowHashOf } from '../database/catalog/bucket-plan.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import { findReplacement } from '../database/catalog/replaced-buckets.ts';
import type { Database } from '../database/database.ts';
import { rangesNotHeld } from '../pack/packing.ts';
import { countRows, findRows, openToDelete, publishDeletion } from './delete-rows.ts';
import { IdsOfSources } from './ids-of-sources.ts';
import { notAddedYet, notToldApart } from './upkeep-messages.ts';

/**
 * Deletes the rows of earlier versions of inputs, once the database has the rows of the plan. Each bucket changes in one step, which also
 * removes the source from its entry, so a kill leaves the others for the next call.
 * @param replaced of the plan
 * @param inputs the inputs of pack-buckets, in their order
 * @returns deleted rows by bucket
 * @throws DataError where a bucket of the plan is missing, or the rows of a bucket cannot be told apart
 */
export async function deleteReplaced(
  database: Database,
  plan: BucketPlan,
  replaced: ReplacedSources,
  inputs: readonly string[],
  { progress }: Pick<CommandContext, 'progress'>,
): Promise<Map<string, number>> {
  const gone = new Set(replaced.sources.map(({ rowHash }) => rowHash));
  const isGone = (source: PlanSource) => gone.has(rowHashOf(source));
  const ids = new IdsOfSources(replaced.kept.map((position) => inputs[position]!));
  const deleted = new Map<string, number>();
  const listed = new Set<string>();
  // Another process may merge buckets meanwhile.
  for (;;) {
    const entries = await database.entries();
    requireAdded(database.uri, plan, entries);
    const left = entries.filter(({ bucket }) => !listed.has(bucket));
    if (left.length === 0) return deleted;
    for (const { bucket } of left) listed.add(bucket);
    const affected = left.filter(({ sources }) => sources.some(isGone));
    const bar = progress(
      'finding rows',
      affected.reduce((sum, { rows }) => sum + rows, 0),
      'ids',
    );
    try {
      for (const { bucket } of affected)
        await withBucketLock(database, bucket, async (lost) => {
          const entry = await database.entry(bucket);
          if (!entry || (await findReplacement(database, bucket, entry, listed)) !== undefined) return;
          deleted.set(bucket, await deleteSources(database, entry, isGone, ids, lost, bar));
        });
    } finally {
      bar.stop();
    }
  }
}

/** Checks that the database has all rows of a plan. @throws DataError that names a bucket that it lacks */
function requireAdded(uri: string, { buckets }: BucketPlan, entries: readonly CatalogEntry[]): void {
  const held = Map.groupBy(
    entries.flatMap(({ sources }) => sources),
    rowHashOf,
  );
  for (const { bucket, sources } of buckets)
    for (const source of sources) {
      const ranges = [{ start: 0, end: source.start }, ...(held.get(rowHashOf(source)) ?? [])];
      if (rangesNotHeld(0, source.end, ranges).length > 0) throw new DataError(notAddedYet(uri, bucket));
    }
}

/** Deletes the rows of some sources of a bucket. @returns their number */
async function deleteSources(
  database: Database,
  entry: CatalogEntry,
  isGone: (source: PlanSource) => boolean,
  ids: IdsOfSources,
  lost: AbortSignal,
  progress: Progress,
): Promise<number> {
  const kept = entry.sources.filter((source) => !isGone(source));
  if (kept.length === entry.sources.length) return 0;
  await openToDelete(database, entry);
  const { removedRows = 0, addedRows = 0 } = entry.revision ?? {};
  if (addedRows > 0) throw new DataError(notToldApart(database.uri, entry.bucket));
  if (kept.length === 0) {
    await removeBucket(database, entry, lost);
    return entry.rows;
  }
  const found = new Map<number, number[]>();
  for await (const isOther of ids.others(kept)) await findRows(database, entry, isOther, progress, found);
  const rows = countRows(found);
  const sourceRows = entry.sources.filter(isGone).reduce((sum, { start, end }) => sum + end - start, 0);
  // Of its rows, some may have been deleted before.
  if (rows > sourceRows || rows < sourceRows - removedRows)
    throw new DataError(notToldApart(database.uri, entry.bucket));
  await publishDeletion(database, entry, found, kept, lost);
  return rows;
}

/** Removes a bucket. A kill leaves the record of a planned bucket, which the next build of the same inputs removes. */
async function removeBucket(database: Database, { bucket, sources }: CatalogEntry, lost: AbortSignal): Promise<void> {
  lost.throwIfAborted();
  await database.writePending({ version: 1, state: 'planned', bucket, sources });
  await database.removeEntry(bucket);
  await database.publisher.remove(bucket);
  await database.removePending(bucket);
}
