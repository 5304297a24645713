import type { Table } from '@lancedb/lancedb';
import { CRC64, hasChecksum } from '../base/bytes/checksum.ts';
import { DataError, TransientError, type UserError } from '../base/errors.ts';
import { readManifest } from '../lance/format/table-manifest.ts';
import type { CatalogEntry } from './catalog/catalog-entry.ts';
import { findReplacement } from './catalog/replaced-buckets.ts';
import type { Database } from './database.ts';
import { compactedTable, rebuiltBucket, removedBucket, replacedBucket } from './database-messages.ts';
import { isIntended, readIntent } from './revision/intent.ts';
import { describeChange, type TableState } from './table-change.ts';
import { TableHistory, versionsIn } from './table-history.ts';
import type { TableReader } from './table-reader.ts';

/** Number of tables whose state is read concurrently. */
export const STATES_AT_ONCE = 16;

const VERSIONS = '_versions/';

/** Tables, and the catalog entries that describe them. */
type Entries = Pick<Database, 'uri' | 'entry' | 'entryNames'>;
type TablesOfEntries = Entries & Pick<Database, 'tables'>;

/**
 * Determines how other clients changed a bucket's table, from the names of its versions and the manifests of versions newer than the
 * catalog's.
 * @param sizes byte counts of the table's files; listed if undefined
 */
export async function readTableState(
  tables: TableReader,
  entry: CatalogEntry,
  sizes?: ReadonlyMap<string, number>,
): Promise<TableState> {
  const { bucket, tableVersion, files } = entry;
  const present = sizes ?? (await tables.sizes(bucket, VERSIONS));
  const byVersion = versionsIn(present.keys());
  const newest = Math.max(...byVersion.keys());
  if (byVersion.size === 0) return { kind: 'missing' };
  const own = files.find(({ path }) => path.startsWith(VERSIONS))!;
  const isOwn = present.get(own.path) === own.bytes;
  if (isOwn && newest === tableVersion) return { kind: 'same' };
  const read = (path: string) => tables.read(`${bucket}.lance/${path}`);
  const history = new TableHistory(byVersion, read);
  if (!present.has(own.path)) {
    // Publishing leaves one version, and clients remove the oldest first, so an older version belongs to another table.
    if ([...byVersion.keys()].some((version) => version < tableVersion)) return { kind: 'remade', version: newest };
    const isCompacted = await history.isCompacted(entry);
    return isCompacted
      ? { kind: 'compacted', version: newest, operation: 'compact' }
      : { kind: 'removed', version: newest };
  }
  const bytes = await read(own.path);
  if (isOtherTable(bytes, entry)) return { kind: 'remade', version: newest };
  // The check of files reports a damaged manifest.
  if (!hasChecksum(bytes, own.checksum)) return { kind: 'same' };
  const { keepsRows, operation } = await history.compareWith(readManifest(bytes));
  if (!keepsRows && isIntended(await readIntent(tables, bucket), newest, await read(byVersion.get(newest)!)))
    return { kind: 'same' };
  return { kind: keepsRows ? 'newer' : 'changed', version: newest, operation };
}

/** Returns whether a manifest belongs to another table: it can be read, and names none of the data files in the catalog. */
export function isOtherTable(manifest: Uint8Array, { files }: Pick<CatalogEntry, 'files'>): boolean {
  try {
    const known = new Set(files.map(({ path }) => path));
    return !readManifest(manifest).fragments.some((fragment) =>
      fragment.files.some(({ path }) => known.has(`data/${path}`)),
    );
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Creates the error for another table whose version has the same number. */
export function otherTable(uri: string, entry: CatalogEntry): DataError {
  return new DataError(describeChange(uri, entry, { kind: 'remade', version: entry.tableVersion })!);
}

/**
 * Reads the catalog entry of a bucket again. A build removes it before it changes a file of the table, so what was read before this call is
 * of the entry's table alone where it is the same.
 * @returns the error for a bucket that was built again, replaced or removed since; undefined if its entry is the same
 */
export async function findEntryChange(
  database: Entries,
  { bucket, fingerprint }: CatalogEntry,
  cause?: unknown,
): Promise<UserError | undefined> {
  const now = await database.entry(bucket);
  if (now === undefined) {
    const by = await findReplacement(database, bucket, undefined);
    if (by !== undefined) return new TransientError(replacedBucket(database.uri, bucket, by), { cause });
    return new DataError(removedBucket(database.uri, bucket), { cause });
  }
  if (now.fingerprint === fingerprint) return undefined;
  return new TransientError(rebuiltBucket(database.uri, bucket), { cause });
}

/** Returns the error of a bucket that was built again or removed while it was read, which explains any other; otherwise `error`. */
export async function explainedByChange(database: Entries, entry: CatalogEntry, error: unknown): Promise<unknown> {
  return (await findEntryChange(database, entry, error).catch(() => undefined)) ?? error;
}

/** Checks a table before it is read. @throws DataError if another client changed its rows, or removed it */
export async function requireUnchanged(
  database: TablesOfEntries,
  entry: CatalogEntry,
  sizes?: ReadonlyMap<string, number>,
): Promise<TableState> {
  const state = await readTableState(database.tables, entry, sizes);
  const problem = describeChange(database.uri, entry, state);
  if (problem !== undefined) throw await explainedByChange(database, entry, new DataError(problem));
  return state;
}

/** Checks a table, which may be missing, before it is replaced. @throws DataError if another client changed its rows */
export async function requireReplaceable(
  { uri, tables }: Pick<Database, 'uri' | 'tables'>,
  entry: CatalogEntry,
): Promise<void> {
  const state = await readTableState(tables, entry);
  const problem = state.kind === 'missing' ? undefined : describeChange(uri, entry, state);
  if (problem !== undefined) throw new DataError(problem);
}

/**
 * Opens a bucket's table at the catalog's version.
 * @throws DataError if another client changed its rows, or removed it; TransientError if the bucket was built again meanwhile
 */
export async function openVersion(
  database: TablesOfEntries,
  entry: CatalogEntry,
  sizes?: ReadonlyMap<string, number>,
): Promise<Table> {
  const state = await requireUnchanged(database, entry, sizes);
  const version = state.kind === 'compacted' ? state.version : entry.tableVersion;
  const table = await database.tables.open(entry.bucket);
  try {
    if ((await table.version()) !== version) await table.checkout(version);
    // LanceDB has read the manifest itself, which may be that of a newer table. All other files have names of their own, or checksums.
    const change = readsInPlace(database) ? await findEntryChange(database, entry) : undefined;
    if (change) throw change;
  } catch (error) {
    table.close();
    throw error;
  }
  return table;
}

/** Returns whether a build can change the tables. Nothing changes a table that was fetched, whose checksums were compared. */
function readsInPlace({ uri, tables }: TablesOfEntries): boolean {
  return tables.folder === undefined || tables.folder === uri;
}

/**
 * Returns the entry of a table in its current state. If another client compacted its files and removed the catalog's version, the entry
 * names the newest version and has neither fragments nor partitions, so that the table is read through LanceDB.
 * @throws DataError if another client changed the rows of a bucket's table, or removed it
 */
export async function currentEntry(
  database: TablesOfEntries,
  entry: CatalogEntry,
  log: (message: string) => void,
): Promise<{ entry: CatalogEntry; isCompacted: boolean }> {
  const { tables } = database;
  const state = await requireUnchanged(database, entry);
  if (state.kind !== 'compacted') return { entry, isCompacted: false };
  const { fragments: _, partitions: __, ...rest } = entry;
  const { bucket } = entry;
  const path = versionsIn((await tables.sizes(bucket, VERSIONS)).keys()).get(state.version)!;
  const manifest = await tables.read(`${bucket}.lance/${path}`);
  log(compactedTable(bucket, entry.tableVersion));
  // The client's files have no recorded checksums, which are not needed because such a table is read in place.
  const data = [...(await tables.sizes(bucket, 'data/'))].map(([name, bytes]) => ({
    path: name,
    bytes,
    checksum: CRC64.format(0n),
  }));
  const files = [...data, { path, bytes: manifest.length, checksum: CRC64.format(CRC64.of(manifest)) }];
  return { entry: { ...rest, tableVersion: state.version, files }, isCompacted: true };
}
