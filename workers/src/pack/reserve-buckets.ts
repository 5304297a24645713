import { mapConcurrently } from '../base/concurrency/map-concurrently.ts';
import { bucketName, bucketNumber } from '../database/catalog/bucket-name.ts';
import type { PlanSource } from '../database/catalog/bucket-plan.ts';
import { type IngestRecord, sourceKey } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import type { KnownBucket } from './known-bucket.ts';
import { rangesNotHeld } from './packing.ts';
import { isAbsolutePath } from './replaced-sources.ts';

/** Number of names that are reserved, and of plans that are removed, at once: each waits for the disk or for S3. */
const CHANGES_AT_ONCE = 16;

/** The shards of the build, and the state of the database. */
interface Known {
  shards: ReadonlyArray<{ path: string; contentHash: string }>;
  entries: readonly KnownBucket[];
  pending: readonly IngestRecord[];
}

/**
 * Reserves a name for each planned bucket that no other bucket of the database has or will have. A bucket that an interrupted build
 * planned with the same rows keeps its name, so that its table can be reused. Other plans of such a build for any of these shards are
 * superseded and removed, even if a shard was fixed since then, or the database has the rows by now. Builds of other shards, which may be
 * running, are not affected.
 * @param known the inputs; the database's entries, and the plans of all builds, read in the order plans, entries
 * @param buckets sources of each planned bucket
 * @returns names, in the order of `buckets`
 */
export async function reserveBuckets(
  database: Database | undefined,
  known: Known,
  buckets: readonly PlanSource[][],
): Promise<string[]> {
  if (!database) return buckets.map((_, i) => bucketName(i + 1));
  await database.create();
  const { entries, pending } = known;
  const entered = new Set(entries.map(({ bucket }) => bucket));
  // index-bucket still needs the record of a bucket that has its entry.
  const superseded = supersededPlans(known, buckets).filter(({ bucket }) => !entered.has(bucket));
  await mapConcurrently(superseded, CHANGES_AT_ONCE, (record) => discard(database, record));
  const nameBySources = new Map(pending.map((record) => [sourceKey(record.sources), record.bucket]));
  let last = [...entries, ...pending].reduce((most, { bucket }) => Math.max(most, bucketNumber(bucket)), 0);
  // Names are in the order of the buckets, unless another build takes one of them.
  return mapConcurrently(buckets, CHANGES_AT_ONCE, async (sources) => {
    const planned = nameBySources.get(sourceKey(sources));
    if (planned !== undefined && !entered.has(planned)) return planned;
    let name: string;
    do name = bucketName(++last);
    while (!(await reserve(database, name, sources)));
    return name;
  });
}

/** Finds the plans of interrupted builds that these buckets replace: see `reserveBuckets`. */
function supersededPlans({ shards, entries, pending }: Known, buckets: readonly PlanSource[][]): IngestRecord[] {
  if (pending.length === 0) return [];
  const wanted = new Set(buckets.map(sourceKey));
  const contents = new Set(buckets.flat().map(({ contentHash }) => contentHash));
  const contentByPath = new Map(shards.map(({ path, contentHash }) => [path, contentHash]));
  const held = Map.groupBy(
    entries.flatMap(({ sources }) => sources),
    ({ contentHash }) => contentHash,
  );
  const isReplaced = ({ path, contentHash }: PlanSource) => {
    // Relative paths of two builds may name different files.
    const contentNow = isAbsolutePath(path) ? contentByPath.get(path) : undefined;
    return contents.has(contentHash) || (contentNow !== undefined && contentNow !== contentHash);
  };
  return pending.filter(
    ({ sources }) =>
      !wanted.has(sourceKey(sources)) &&
      (sources.some(isReplaced) || sources.every((source) => isHeld(source, held.get(source.contentHash) ?? []))),
  );
}

/** Returns whether the database has all rows of a source. @param held row ranges of the same content in the database */
function isHeld({ start, end }: PlanSource, held: readonly PlanSource[]): boolean {
  return rangesNotHeld(0, end, [{ start: 0, end: start }, ...held]).length === 0;
}

/** Reserves one name. @returns false if another build has taken it, for a planned or a finished bucket */
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
