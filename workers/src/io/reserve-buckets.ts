import { bucketName, bucketNumber } from '../core/bucket-name.ts';
import { type CatalogEntry, type IngestRecord, sourceKey } from '../core/catalog.ts';
import type { PlanSource } from '../core/plan.ts';
import type { Database } from './database.ts';

/**
 * Gives each planned bucket a name that no other bucket of the database has or is about to get. A bucket
 * that an earlier, interrupted build planned with the same rows keeps its name, so that its table can be used.
 * What such a build planned otherwise for any of these shards is superseded and removed; builds of other
 * shards, which may be running now, are left alone.
 * @param known the database's entries, and the plans of all builds, read in the order plans, entries
 * @param buckets sources of each planned bucket
 * @returns names, in the order of `buckets`
 */
export async function reserveBuckets(
  database: Database | undefined,
  { entries, pending }: { entries: readonly CatalogEntry[]; pending: readonly IngestRecord[] },
  buckets: readonly PlanSource[][],
): Promise<string[]> {
  if (!database) return buckets.map((_, i) => bucketName(i + 1));
  await database.create();
  const entered = new Set(entries.map(({ bucket }) => bucket));
  const nameBySources = new Map(pending.map((record) => [sourceKey(record.sources), record.bucket]));
  const wanted = new Set(buckets.map(sourceKey));
  const contents = new Set(buckets.flat().map(({ contentHash }) => contentHash));
  for (const record of pending) {
    // The record of an entered bucket belongs to who indexes it.
    if (
      !entered.has(record.bucket) &&
      !wanted.has(sourceKey(record.sources)) &&
      record.sources.some(({ contentHash }) => contents.has(contentHash))
    )
      await discard(database, record);
  }
  let last = Math.max(0, ...[...entries, ...pending].map(({ bucket }) => bucketNumber(bucket)));
  const names: string[] = [];
  for (const sources of buckets) {
    const known = nameBySources.get(sourceKey(sources));
    if (known !== undefined && !entered.has(known)) {
      names.push(known);
      continue;
    }
    let name: string;
    do name = bucketName(++last);
    while (!(await reserve(database, name, sources)));
    names.push(name);
  }
  return names;
}

/** @returns false where another build has the name, planned or entered by now */
async function reserve(database: Database, bucket: string, sources: PlanSource[]): Promise<boolean> {
  if (!(await database.createPending({ version: 1, state: 'planned', bucket, sources }))) return false;
  if ((await database.entry(bucket)) === undefined) return true;
  await database.removePending(bucket);
  return false;
}

async function discard(database: Database, record: IngestRecord): Promise<void> {
  await database.tables.remove(record.bucket);
  await database.locks.removeEnded(record.bucket);
  await database.removePending(record.bucket);
}
