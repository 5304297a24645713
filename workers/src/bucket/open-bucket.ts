import type { Table } from '@lancedb/lancedb';
import { hasChecksum } from '../base/bytes/checksum.ts';
import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import { DataError, TransientError, toUserError, UserError } from '../base/errors.ts';
import { counted } from '../base/text/counted.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import { contradictionOfManifest } from '../database/catalog/catalog-rules.ts';
import type { Database } from '../database/database.ts';
import { type Partitions, readPartitions } from '../database/partitions.ts';
import { isOtherTable, openVersion, otherTable, requireUnchanged } from '../database/table-state.ts';
import { readManifest } from '../lance/format/table-manifest.ts';
import { s3FailureIn } from '../lance/s3-failure.ts';
import { damagedTable, deniedBucket, noScanWithoutPartitions, unreadableNow, wrongEntry } from './bucket-messages.ts';
import { checkFragments, sampleFragments } from './check-fragments.ts';
import { type DeletedRows, readDeletedRows } from './deleted-rows.ts';

/** A query of the index. */
export interface AnnQuery {
  vector: Float32Array;
  nprobes: number;
  /** Rows to find. */
  limit: number;
  /** Candidates for each that are rescored; 0: none. */
  refineFactor: number;
}

/** Parts of a table that were read for queries of its index. */
export interface PartialCopy {
  /** Answers a query as LanceDB does. @returns rows in any order, with LanceDB's row ids; undefined where LanceDB must answer it */
  answer(query: AnnQuery): Promise<{ ids: Utf8Column; distances: Float32Array; rowIds: Float64Array } | undefined>;
  /** Reads what a query needs. @returns the copy, in which LanceDB answers it; undefined where it must read the table itself */
  prepare(query: AnnQuery): Promise<Table | undefined>;
}

/** A bucket that is ready to be searched. */
export interface OpenBucket {
  entry: CatalogEntry;
  table: Table;
  /** Is asked before `table`. */
  copy?: PartialCopy | undefined;
  database: Database;
  /** Rows that searches skip: deleted ones, and those that `where` does not select; undefined: none. */
  deleted?: DeletedRows | undefined;
  /** A filter in SQL, for searches by LanceDB's index; undefined: none. */
  where?: string | undefined;
  /** Reads the partitions once, at the first call. */
  partitions(): Promise<Partitions>;
}

/** Removes the partition order from an entry whose partition file is missing: `ann` and `exact` can still search the bucket. */
export async function withExistingPartitions(
  database: Database,
  entry: CatalogEntry,
  log: (message: string) => void,
): Promise<CatalogEntry> {
  const { bucket, partitions, ...rest } = entry;
  if (!partitions || (await database.tables.size(partitions.path)) !== undefined) return entry;
  log(noScanWithoutPartitions(bucket, `${database.uri}/${partitions.path}`));
  return { bucket, ...rest };
}

/**
 * Opens a bucket's table at the catalog's version, and checks it against its catalog entry.
 * @throws DataError if the table is missing or damaged, or another client changed its rows
 */
export async function openBucket(database: Database, entry: CatalogEntry): Promise<OpenBucket> {
  const sizes = await database.tables.sizes(entry.bucket);
  await requireUnchanged(database, entry, sizes);
  await checkFiles(database, entry, sizes);
  const table = await openVersion(database, entry, sizes).catch((error: unknown) => {
    throw damagedBucket(database, entry.bucket, error);
  });
  let deleted: DeletedRows | undefined;
  try {
    const rows = await table.countRows();
    if (rows !== entry.rows)
      throw damagedBucket(database, entry.bucket, `${counted(rows, 'row')}, its catalog entry says ${entry.rows}`);
    deleted = await readDeletedRows(database, entry);
  } catch (error) {
    table.close();
    throw error;
  }
  let partitions: Promise<Partitions> | undefined;
  return {
    entry,
    table,
    database,
    deleted,
    partitions() {
      if (!entry.partitions) throw new Error(`${entry.bucket} has no partition order`);
      partitions ??= readPartitions(database, entry.partitions, entry);
      return partitions;
    },
  };
}

/**
 * Checks a table without reading its data: every file exists and has its size; the manifest, which LanceDB trusts, matches its checksum
 * and agrees with the entry; so does the offset of the vectors in a sample of fragments.
 */
async function checkFiles(database: Database, entry: CatalogEntry, sizes: ReadonlyMap<string, number>): Promise<void> {
  const { bucket, partitions } = entry;
  const { tables } = database;
  // Readers do not need transactions, and other clients remove them.
  const files = entry.files.filter(({ path }) => !path.startsWith('_transactions/'));
  const expected = files.map(({ path, bytes }) => ({ path: `${bucket}.lance/${path}`, bytes, size: sizes.get(path) }));
  if (partitions)
    expected.push({ path: partitions.path, bytes: partitions.bytes, size: await tables.size(partitions.path) });
  for (const { path, bytes, size } of expected) {
    const where = `${database.uri}/${path}`;
    if (size === undefined) throw damagedBucket(database, bucket, `${where} is missing`);
    if (size !== bytes)
      throw damagedBucket(database, bucket, `${where} has ${counted(size, 'byte')} instead of ${bytes}`);
  }
  const manifest = files.find(({ path }) => path.startsWith('_versions/'));
  if (!manifest) return;
  const path = `${bucket}.lance/${manifest.path}`;
  const content = await tables.read(path);
  if (isOtherTable(content, entry)) throw otherTable(database.uri, entry);
  if (!hasChecksum(content, manifest.checksum))
    throw damagedBucket(database, bucket, `${database.uri}/${path} differs from the file that was written`);
  const contradiction = contradictionOfManifest(entry, readManifest(content));
  if (contradiction !== undefined) throw damagedBucket(database, bucket, wrongEntry(contradiction));
  const [problem] = await checkFragments(tables, entry, sampleFragments(entry));
  if (problem !== undefined) throw damagedBucket(database, bucket, problem);
}

/** Shortens a message of LanceDB, which can fill pages, to one line. */
function shortenMessage(message: string): string {
  return message.replaceAll(/\s+/g, ' ').slice(0, 300);
}

/** Creates the error for a table that differs from its catalog entry, or that LanceDB cannot read. @param reason an error or a text */
export function damagedBucket(database: Database, bucket: string, reason: unknown): UserError {
  const known = toUserError(reason);
  // A full disk, for example, is not damage.
  if (known instanceof UserError) return known;
  const failure = known instanceof Error ? s3FailureIn(known.message) : undefined;
  if (failure === 'denied') return new DataError(deniedBucket(database.uri, bucket), { cause: reason });
  if (failure === 'passing')
    return new TransientError(unreadableNow(database.uri, bucket, shortenMessage((known as Error).message)), {
      cause: reason,
    });
  const text = known instanceof Error ? known.message.split(/[\n,]/, 1)[0]! : String(known);
  return new DataError(damagedTable(database.uri, bucket, text.slice(0, 300)), { cause: reason });
}
