import type { Table } from '@lancedb/lancedb';
import { CRC64, hasChecksum } from '../base/bytes/checksum.ts';
import { DataError } from '../base/errors.ts';
import { readManifest } from '../lance/format/table-manifest.ts';
import type { CatalogEntry } from './catalog/catalog-entry.ts';
import type { Database } from './database.ts';
import { TableHistory, versionsIn } from './table-history.ts';
import type { TableReader } from './table-reader.ts';

/** What other clients made of a table since its bucket was entered in the catalog. */
export type TableState =
  /** Nothing, as far as the names of its versions tell. */
  | { kind: 'same' }
  /** Versions that have the same rows: an index, another column, compacted files. */
  | { kind: 'newer'; version: number; operation: string }
  /** Other rows; the catalog's version is still there. */
  | { kind: 'changed'; version: number; operation: string }
  /** The catalog's version was removed, after its files were compacted into others: the rows are the same. */
  | { kind: 'compacted'; version: number; operation: string }
  /** The catalog's version was removed, and newer ones are there. */
  | { kind: 'removed'; version: number }
  /** Another table of the same name. */
  | { kind: 'remade'; version: number }
  /** No table. */
  | { kind: 'missing' };

/** Tables whose state is read at once. */
export const STATES_AT_ONCE = 16;

const VERSIONS = '_versions/';

/**
 * Finds out what other clients made of a bucket's table: from the names of its versions, and from the manifests of those that
 * are newer than the catalog's.
 * @param sizes of the table's files, where they are known
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
    // Publishing leaves one version, and removing old ones begins with the oldest.
    if ([...byVersion.keys()].some((version) => version < tableVersion)) return { kind: 'remade', version: newest };
    const isCompacted = await history.isCompacted(entry);
    return isCompacted
      ? { kind: 'compacted', version: newest, operation: 'compact' }
      : { kind: 'removed', version: newest };
  }
  const bytes = await read(own.path);
  if (isOtherTable(bytes, entry)) return { kind: 'remade', version: newest };
  // Damage is told by who checks the files.
  if (!hasChecksum(bytes, own.checksum)) return { kind: 'same' };
  const { keepsRows, operation } = await history.compareWith(readManifest(bytes));
  return { kind: keepsRows ? 'newer' : 'changed', version: newest, operation };
}

/** Whether a manifest is whole, and of a table that has none of the files that the catalog knows. */
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

/** A state in the words of a table's cell. */
export function shortState(state: TableState): string {
  switch (state.kind) {
    case 'same':
      return '-';
    case 'newer':
    case 'compacted':
      return `version ${state.version}, same rows (${state.operation})`;
    case 'changed':
      return `changed: version ${state.version} (${state.operation})`;
    case 'removed':
      return `changed: version ${state.version}, the catalog's was removed`;
    case 'remade':
      return `changed: version ${state.version} of another table`;
    case 'missing':
      return 'the table is missing';
  }
}

/** What to tell of a table of which the catalog's version cannot be searched; undefined where it can. */
export function describeChange(
  uri: string,
  { bucket, tableVersion }: CatalogEntry,
  state: TableState,
): string | undefined {
  const rebuild = `remove _catalog/${bucket}.json there and build the bucket again`;
  const by = `${uri}: ${bucket} was changed by another client`;
  switch (state.kind) {
    case 'same':
    case 'newer':
    case 'compacted':
      return undefined;
    case 'changed':
      return (
        `${by}: version ${state.version}, the catalog has ${tableVersion} (${state.operation}). Restore version ${tableVersion} ` +
        `(in Python: lancedb.connect("${uri}").open_table("${bucket}").restore(${tableVersion})), or ${rebuild}.`
      );
    case 'removed':
      return (
        `${by}: version ${state.version}, the catalog has ${tableVersion}, which was removed (optimize or cleanup_old_versions). ` +
        `Whether its rows are the same is not known: ${rebuild}.`
      );
    case 'remade':
      return `${by}: version ${state.version} is of a table that was made anew, the catalog has ${tableVersion} of another. To replace it, ${rebuild}.`;
    case 'missing':
      return `${uri}: the table of ${bucket} is missing: another client removed it, or its files were deleted. Restore them, or ${rebuild}.`;
  }
}

/** What to throw where a table is another one, though its version has the same number. */
export function otherTable(uri: string, entry: CatalogEntry): DataError {
  return new DataError(describeChange(uri, entry, { kind: 'remade', version: entry.tableVersion })!);
}

/** @throws DataError where another client changed the rows of a bucket's table, or removed it */
export async function requireUnchanged(
  { uri, tables }: Pick<Database, 'uri' | 'tables'>,
  entry: CatalogEntry,
  sizes?: ReadonlyMap<string, number>,
): Promise<TableState> {
  const state = await readTableState(tables, entry, sizes);
  const problem = describeChange(uri, entry, state);
  if (problem !== undefined) throw new DataError(problem);
  return state;
}

/**
 * The same for who builds a bucket again, and makes a table that is missing.
 * @throws DataError where another client changed the rows of a bucket's table
 */
export async function requireNotChanged(
  { uri, tables }: Pick<Database, 'uri' | 'tables'>,
  entry: CatalogEntry,
): Promise<void> {
  const state = await readTableState(tables, entry);
  const problem = state.kind === 'missing' ? undefined : describeChange(uri, entry, state);
  if (problem !== undefined) throw new DataError(problem);
}

/**
 * Opens a bucket's table in the catalog's version.
 * @throws DataError where another client changed its rows, or removed it
 */
export async function openVersion(
  database: Pick<Database, 'uri' | 'tables'>,
  entry: CatalogEntry,
  sizes?: ReadonlyMap<string, number>,
): Promise<Table> {
  const state = await requireUnchanged(database, entry, sizes);
  const version = state.kind === 'compacted' ? state.version : entry.tableVersion;
  const table = await database.tables.open(entry.bucket);
  if ((await table.version()) !== version) await table.checkout(version);
  return table;
}

/**
 * The entry of a table as it is now: where its files were compacted and the catalog's removed, without what described them, so
 * that the newest version is read, through LanceDB.
 * @throws DataError where another client changed the rows of a bucket's table, or removed it
 */
export async function currentEntry(
  database: Pick<Database, 'uri' | 'tables'>,
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
  log(
    `${bucket}: another client compacted the table and removed version ${entry.tableVersion}. Its rows are the same, but cannot be ` +
      'scanned by partition. Build the bucket again for that.',
  );
  // Checksums of what that client wrote are not known; such a table is not fetched, which needs them.
  const data = [...(await tables.sizes(bucket, 'data/'))].map(([name, bytes]) => ({
    path: name,
    bytes,
    checksum: CRC64.format(0n),
  }));
  const files = [...data, { path, bytes: manifest.length, checksum: CRC64.format(CRC64.of(manifest)) }];
  return { entry: { ...rest, tableVersion: state.version, files }, isCompacted: true };
}
