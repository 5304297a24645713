import { bucketName, bucketNumber } from '../database/catalog/bucket-name.ts';
import { type CatalogEntry, type IngestRecord, sourceKey } from '../database/catalog/catalog-entry.ts';
import type { PlanSource } from '../database/catalog/plan.ts';
import type { Database } from '../database/database.ts';
import { rangesNotHeld } from './packing.ts';

interface Known {
  shards: ReadonlyArray<{ path: string; contentHash: string }>;
  entries: readonly CatalogEntry[];
  pending: readonly IngestRecord[];
}

/**
 * Gives each planned bucket a name that no other bucket of the database has or is about to get. A bucket
 * that an earlier, interrupted build planned with the same rows keeps its name, so that its table can be used.
 * What such a build planned otherwise for any of these shards is superseded and removed, also where a shard has
 * been corrected since, and so is what the database holds by now; builds of other shards, which may be running now,
 * are left alone.
 * @param known the inputs; the database's entries, and the plans of all builds, read in the order plans, entries
 * @param buckets sources of each planned bucket
 * @returns names, in the order of `buckets`
 */
export async function reserveBuckets(
  database: Database | undefined,
  { shards, entries, pending }: Known,
  buckets: readonly PlanSource[][],
): Promise<string[]> {
  if (!database) return buckets.map((_, i) => bucketName(i + 1));
  await database.create();
  const entered = new Set(entries.map(({ bucket }) => bucket));
  const nameBySources = new Map(pending.map((record) => [sourceKey(record.sources), record.bucket]));
  const wanted = new Set(buckets.map(sourceKey));
  const contents = new Set(buckets.flat().map(({ contentHash }) => contentHash));
  const held = Map.groupBy(
    entries.flatMap(({ sources }) => sources),
    ({ contentHash }) => contentHash,
  );
  const contentByPath = new Map(shards.map(({ path, contentHash }) => [path, contentHash]));
  const isSuperseded = ({ sources }: IngestRecord) =>
    sources.some(({ path, contentHash }) => {
      // Relative paths of two builds can be those of different files.
      const now = /^(\/|[a-z][a-z0-9+.-]*:\/\/)/i.test(path) ? contentByPath.get(path) : undefined;
      return contents.has(contentHash) || (now !== undefined && now !== contentHash);
    }) || sources.every((source) => isHeld(source, held.get(source.contentHash) ?? []));
  for (const record of pending) {
    // The record of an entered bucket belongs to who indexes it.
    if (!entered.has(record.bucket) && !wanted.has(sourceKey(record.sources)) && isSuperseded(record))
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

/** Whether the database has all rows of a source. @param held ranges of rows of that content that it has */
function isHeld({ start, end }: PlanSource, held: readonly PlanSource[]): boolean {
  return rangesNotHeld(0, end, [{ start: 0, end: start }, ...held]).length === 0;
}

/** @returns false where another build has the name, planned or entered by now */
async function reserve(database: Database, bucket: string, sources: PlanSource[]): Promise<boolean> {
  if (!(await database.createPending({ version: 1, state: 'planned', bucket, sources }))) return false;
  if ((await database.entry(bucket)) === undefined) return true;
  await database.removePending(bucket);
  return false;
}

async function discard(database: Database, record: IngestRecord): Promise<void> {
  await database.publisher.remove(record.bucket);
  await database.locks.removeEnded(record.bucket);
  await database.removePending(record.bucket);
}
