import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { Database } from '../../database/database.ts';
import type { BucketGroup } from '../run-request.ts';

/** Entries that are read: all, or as many as this. An entry of 200 million rows has half a megabyte. */
const MOST_READ = 64;
const READS_AT_ONCE = 16;

/** The finished buckets of a database. */
export interface KnownBuckets {
  groups: BucketGroup[];
  /** Entries that were read, from which rates are learned. */
  entries: CatalogEntry[];
  buckets: number;
  isSampled: boolean;
}

/** Reads the buckets of a database; of more than MOST_READ, some that are spread over the list stand for the others. */
export async function readBuckets(database: Database): Promise<KnownBuckets> {
  const names = await database.entryNames();
  const isSampled = names.length > MOST_READ;
  const chosen = isSampled
    ? Array.from({ length: MOST_READ }, (_, i) => names[Math.floor(((i + 0.5) * names.length) / MOST_READ)]!)
    : names;
  const read = await mapConcurrently(chosen, READS_AT_ONCE, (name) => database.entry(name));
  // Another process may have removed one meanwhile.
  const entries = read.filter((entry) => entry !== undefined);
  const weight = entries.length === 0 ? 0 : names.length / entries.length;
  const groups = new Map<string, BucketGroup>();
  for (const group of entries.map(groupOf)) {
    const key = JSON.stringify({ ...group, buckets: 0 });
    groups.set(key, { ...group, buckets: (groups.get(key)?.buckets ?? 0) + weight });
  }
  return { groups: [...groups.values()], entries, buckets: names.length, isSampled };
}

function groupOf({ rows, dimension, vectorType, index, partitions, files }: CatalogEntry): BucketGroup {
  const bytesIn = (folder: string) =>
    files.filter(({ path }) => path.startsWith(folder)).reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    ...{ buckets: 1, rows, dimension, vectorType, index: index.kind, partitions: partitions?.count ?? 0 },
    ...{ dataBytes: bytesIn('data/'), indexBytes: bytesIn('_indices/') },
  };
}
