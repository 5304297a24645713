import { untilAborted } from '../../base/concurrency/until-aborted.ts';
import { DataError } from '../../base/errors.ts';
import { memoryLimit } from '../../base/memory-limit.ts';
import { damagedBucket, type OpenBucket, openBucket } from '../../bucket/open-bucket.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { Database } from '../../database/database.ts';
import { removedBucket } from '../../database/database-messages.ts';
import { explainedByChange } from '../../database/table-state.ts';
import { searchableEntry } from '../searchable-entry.ts';
import { type CountedReads, countedReads } from './reads/counted-reads.ts';
import { countedTables, type ReadCounts } from './reads/counted-tables.ts';

/** Buckets that stay open in a process. A Lambda has one, `ask` all of a database. */
const MOST_OPEN = 256;
/** Bytes of all buckets that are kept on this machine's disk between two uses. A Lambda has 512 MB, unless it pays for more. */
export const MOST_KEPT_BYTES = 2 ** 28;

/** An open bucket, whose catalog entry was checked for this use. Disposing of it ends the use; the bucket stays open. */
export interface WarmBucket extends OpenBucket, Disposable {
  /** Of a table on S3. */
  reads: CountedReads | undefined;
  /** All that was read of the bucket so far. */
  counts: ReadCounts;
  /** What opening and checking took this time. */
  opened: { isWarm: boolean; requests: number; bytes: number; milliseconds: number };
  /** Runs a search. @throws TransientError if the bucket was built again meanwhile, DataError if it is damaged */
  use<T>(search: () => Promise<T>): Promise<T>;
}

interface Held {
  etag: string;
  bucket: Promise<HeldBucket>;
  users: number;
  /** Closed after its last use. */
  isStale: boolean;
}

type HeldBucket = OpenBucket & Pick<WarmBucket, 'reads' | 'counts'>;

const held = new Map<string, Held>();

/**
 * Opens a bucket in place, or returns the one that an earlier call opened: table, index and partitions stay open. Its catalog entry is
 * checked at each call, by ETag on S3, so a bucket that was built again is opened again.
 * @param mostKeptBytes of copies of buckets that nobody uses; the oldest are dropped first
 * @param mostMemoryBytes of this process, from which other buckets that nobody uses are closed
 * @throws DataError if the bucket is not part of the database, or damaged; the signal's reason
 */
export async function openWarmBucket(
  database: Database,
  name: string,
  signal?: AbortSignal,
  mostKeptBytes = MOST_KEPT_BYTES,
  mostMemoryBytes = memoryLimit() / 2,
): Promise<WarmBucket> {
  const opening = startUse(database, name, mostKeptBytes, mostMemoryBytes);
  try {
    return await untilAborted(opening, signal);
  } catch (error) {
    // After an abort, nobody uses the bucket that is opened later.
    void opening.then((bucket) => bucket[Symbol.dispose]()).catch(() => {});
    throw error;
  }
}

async function startUse(
  database: Database,
  name: string,
  mostKeptBytes: number,
  mostMemoryBytes: number,
): Promise<WarmBucket> {
  const startedMs = performance.now();
  const key = `${database.uri}\n${name}`;
  await forgetBeyond(mostKeptBytes);
  if (process.memoryUsage.rss() > mostMemoryBytes) await forgetOthers(key);
  const known = held.get(key);
  const found = await database.entryIfChanged(name, known?.etag);
  if (found === undefined) {
    void forget(key);
    await database.requireEntry(name);
    throw new DataError(removedBucket(database.uri, name));
  }
  const isWarm = found === 'unchanged' && held.get(key) === known;
  const one = found === 'unchanged' ? (held.get(key) ?? known!) : hold(key, found.etag, open(database, found.entry));
  one.users++;
  const release = () => {
    one.users--;
    void closeUnused(one);
  };
  const bucket = await one.bucket.catch((error: unknown) => {
    release();
    if (held.get(key) === one) held.delete(key);
    throw error;
  });
  const openedCounts = { ...bucket.counts };
  return {
    ...bucket,
    opened: {
      isWarm,
      // One for the catalog entry.
      requests: (bucket.reads ? 1 : 0) + (isWarm ? 0 : openedCounts.requests),
      bytes: isWarm ? 0 : openedCounts.bytes,
      milliseconds: performance.now() - startedMs,
    },
    use(search) {
      // A search that is abandoned still reads the bucket.
      one.users++;
      const searching = use(database, bucket, search).finally(release);
      // What was read may be of objects that were replaced meanwhile.
      searching.catch(() => {
        if (held.get(key) === one) void forget(key);
      });
      return searching;
    },
    [Symbol.dispose]: release,
  };
}

/** Closes all buckets and removes their copies; those in use follow when their last use has ended. */
export async function closeWarmBuckets(): Promise<void> {
  await Promise.all([...held.keys()].map(forget));
}

async function open(database: Database, entry: CatalogEntry): Promise<HeldBucket> {
  const counts = { requests: 0, bytes: 0 };
  const { tables } = database;
  const counted = tables.folder === undefined ? database.withTables(countedTables(tables, counts)) : database;
  const bucket = await searchableEntry(counted, entry, () => {})
    .then(({ entry: searchable }) => openBucket(counted, searchable))
    .catch(async (error: unknown) => {
      throw await explainedByChange(database, entry, error);
    });
  // The entry was read again once the table was open.
  if (tables.folder === undefined) counts.requests++;
  const reads = countedReads(bucket, counts);
  return { ...bucket, copy: reads, reads, counts };
}

function hold(key: string, etag: string, bucket: Promise<HeldBucket>): Held {
  void forget(key);
  const one = { etag, bucket, users: 0, isStale: false };
  held.set(key, one);
  // The first key is the one that was opened longest ago.
  for (const oldest of held.keys()) {
    if (held.size <= MOST_OPEN) break;
    void forget(oldest);
  }
  return one;
}

async function forget(key: string): Promise<void> {
  const one = held.get(key);
  if (!one) return;
  held.delete(key);
  one.isStale = true;
  await closeUnused(one);
}

/** Drops copies that are not in use, the oldest first, so that the disk does not fill in a process that lives long. */
async function forgetBeyond(mostBytes: number): Promise<void> {
  const unused = [...held].filter(([, { users }]) => users === 0);
  const kept = await Promise.all(
    unused.map(async ([key, one]) => {
      const bucket = await one.bucket.catch(() => undefined);
      return { key, one, bytes: (await bucket?.reads?.keptBytes().catch(() => 0)) ?? 0 };
    }),
  );
  let total = kept.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { key, one, bytes } of kept) {
    if (total <= mostBytes) return;
    if (one.users > 0) continue;
    total -= bytes;
    if (bytes > 0 && held.get(key) === one) await forget(key);
  }
}

/** Closes buckets that are not in use, whose caches take memory. A function of Lambda may search any bucket of its database. */
async function forgetOthers(key: string): Promise<void> {
  const unused = [...held].filter(([other, { users }]) => other !== key && users === 0);
  await Promise.all(unused.map(([other]) => forget(other)));
}

/** Never throws: a bucket that was not opened has nothing to close, and its search has the error. */
async function closeUnused(one: Held): Promise<void> {
  if (!one.isStale || one.users > 0) return;
  const bucket = await one.bucket.catch(() => undefined);
  bucket?.table.close();
  await bucket?.reads?.close().catch(() => {});
}

async function use<T>(database: Database, { entry }: OpenBucket, search: () => Promise<T>): Promise<T> {
  try {
    return await search();
  } catch (error) {
    // The files of a table that is built again disappear while they are read.
    throw damagedBucket(database, entry.bucket, await explainedByChange(database, entry, error));
  }
}
