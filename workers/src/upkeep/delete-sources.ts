import type { CommandContext } from '../app/command.ts';
import type { Progress } from '../app/progress.ts';
import { DataError } from '../base/errors.ts';
import { withBucketLock } from '../database/bucket-lock.ts';
import { type BucketPlan, type PlanSource, type ReplacedSources, rowHashOf } from '../database/catalog/bucket-plan.ts';
import { type CatalogEntry, mayHaveOtherRows } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { rangesNotHeld } from '../pack/packing.ts';
import { countRows, findRows, openToDelete, publishDeletion } from './delete-rows.ts';
import { IdsOfSources } from './ids-of-sources.ts';
import { goneSincePlanned, notAddedYet, notToldApart } from './upkeep-messages.ts';

/**
 * Deletes the rows of earlier versions of inputs, once the database has the rows of the plan. Each bucket changes in one step, which also
 * removes the source from its entry, so a kill leaves the others for the next call. Is called within `withReplacements`: of two calls at
 * once, each may delete what the other one relies on.
 * @param replaced of the plan
 * @param inputs the inputs of pack-buckets, in their order
 * @param lost is aborted when the lock of `withReplacements` is lost
 * @returns deleted rows by bucket
 * @throws DataError where rows of the plan, or of the new versions, are missing, or the rows of a bucket cannot be told apart
 */
export async function deleteReplaced(
  database: Database,
  plan: BucketPlan,
  replaced: ReplacedSources,
  inputs: readonly string[],
  lost: AbortSignal,
  { progress }: Pick<CommandContext, 'progress'>,
): Promise<Map<string, number>> {
  const gone = new Set(replaced.sources.map(({ rowHash }) => rowHash));
  const isGone = (source: PlanSource) => gone.has(rowHashOf(source));
  const ids = new IdsOfSources(replaced.kept.map((position) => inputs[position]!));
  const entries = await database.entries();
  requireAdded(database.uri, plan, replaced, entries);
  const affected = entries.filter(({ sources }) => sources.some(isGone));
  const rows = affected.reduce((sum, entry) => sum + entry.rows, 0);
  const bar = progress('finding rows', rows, 'ids');
  const deleted = new Map<string, number>();
  try {
    for (const { bucket } of affected)
      await withBucketLock(database, bucket, async (lostBucket) => {
        // Rows may have been deleted since it was listed.
        const entry = await database.entry(bucket);
        const either = AbortSignal.any([lost, lostBucket]);
        if (entry) deleted.set(bucket, await deleteSources(database, entry, isGone, ids, either, bar));
      });
  } finally {
    bar.stop();
  }
  return deleted;
}

/**
 * Checks that the database has all rows of a plan, and of the new versions, some of which it had before: their rows may be gone since.
 * @throws DataError that names a bucket that it lacks, or an input
 */
function requireAdded(
  uri: string,
  { buckets }: BucketPlan,
  { versions }: ReplacedSources,
  entries: readonly CatalogEntry[],
): void {
  const held = Map.groupBy(
    entries.flatMap(({ sources }) => sources),
    rowHashOf,
  );
  const hasRows = (rowHash: string, start: number, end: number) =>
    rangesNotHeld(0, end, [{ start: 0, end: start }, ...(held.get(rowHash) ?? [])]).length === 0;
  for (const { bucket, sources } of buckets)
    for (const source of sources)
      if (!hasRows(rowHashOf(source), source.start, source.end)) throw new DataError(notAddedYet(uri, bucket));
  for (const { path, rowHash, rows } of versions)
    if (!hasRows(rowHash, 0, rows)) throw new DataError(goneSincePlanned(uri, path));
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
  const { removedRows = 0 } = entry.revision ?? {};
  if (mayHaveOtherRows(entry)) throw new DataError(notToldApart(database.uri, entry.bucket));
  if (kept.length === 0) {
    await removeBucket(database, entry, lost);
    return entry.rows;
  }
  const found = new Map<number, number[]>();
  for await (const isOther of ids.others(kept)) await findRows(database, entry, isOther, progress, found);
  const rows = countRows(found);
  const sourceRows = entry.sources.filter(isGone).reduce((sum, { start, end }) => sum + end - start, 0);
  // Of its rows, some may have been deleted before. An id of another source that occurs twice may be one of them.
  if (ids.hasRepeated || rows > sourceRows || rows < sourceRows - removedRows)
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
