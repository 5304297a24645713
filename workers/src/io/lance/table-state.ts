import type { Table } from '@lancedb/lancedb';
import type { CatalogEntry } from '../../core/catalog.ts';
import { hasChecksum } from '../../core/checksum.ts';
import { haveSameRows, messageAt, readManifest, type TableManifest } from '../../core/lance/table-manifest.ts';
import { readOperation, type TableOperation } from '../../core/lance/transaction.ts';
import { DataError } from '../../errors.ts';
import type { Database } from '../database.ts';
import type { TableStore } from '../table-store.ts';

/** What other clients made of a table since its bucket was entered in the catalog. */
export type TableState =
  /** Nothing, as far as the names of its versions tell. */
  | { kind: 'same' }
  /** Versions that have the same rows: an index, another column, compacted files. */
  | { kind: 'newer'; version: number; operation: string }
  /** Other rows; the catalog's version is still there. */
  | { kind: 'changed'; version: number; operation: string }
  /** The catalog's version was removed, and newer ones are there. */
  | { kind: 'removed'; version: number }
  /** Another table of the same name. */
  | { kind: 'remade'; version: number }
  /** No table. */
  | { kind: 'missing' };

/** Tables whose state is read at once. */
export const STATES_AT_ONCE = 16;

/** Columns that LanceFlow writes and reads. */
const COLUMNS = ['embedding', 'id'];
const VERSIONS = '_versions/';

/**
 * Finds out what other clients made of a bucket's table: from the names of its versions, and from the manifests of those that
 * are newer than the catalog's.
 * @param sizes of the table's files, where they are known
 */
export async function readTableState(
  tables: TableStore,
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
  if (!present.has(own.path)) {
    // Publishing leaves one version, and removing old ones begins with the oldest.
    const older = [...byVersion.keys()].some((version) => version < tableVersion);
    return { kind: older ? 'remade' : 'removed', version: newest };
  }
  const bytes = await read(own.path);
  if (isOtherTable(bytes, entry)) return { kind: 'remade', version: newest };
  // Damage is told by who checks the files.
  if (!hasChecksum(bytes, own.checksum)) return { kind: 'same' };
  return compareVersions(readManifest(bytes), byVersion, async (version) => {
    const path = byVersion.get(version)!;
    const bytes = await read(path);
    const manifest = readManifest(bytes);
    return { manifest, operation: await operationOf(bytes, manifest, (file) => read(`_transactions/${file}`)) };
  });
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

/** Manifests by version, of a listing. Lance names them so that the newest sorts first; earlier, by their number. */
function versionsIn(paths: Iterable<string>): Map<number, string> {
  const found = new Map<number, string>();
  for (const path of paths) {
    const [, name] = /^_versions\/(\d+)\.manifest$/.exec(path) ?? [];
    if (name !== undefined) found.set(Number(name.length === 20 ? 2n ** 64n - 1n - BigInt(name) : BigInt(name)), path);
  }
  return found;
}

/** Goes from the newest version down, as far as each has the rows of the one before it. */
async function compareVersions(
  base: TableManifest,
  versions: ReadonlyMap<number, string>,
  read: (version: number) => Promise<{ manifest: TableManifest; operation: TableOperation }>,
): Promise<TableState> {
  const newest = Math.max(...versions.keys());
  let first: string | undefined;
  const changed = (operation: string): TableState => ({ kind: 'changed', version: newest, operation });
  for (let version = newest, after: TableManifest | undefined; version > base.version; version--) {
    if (!versions.has(version)) return changed(`version ${version} is gone`);
    let current: Awaited<ReturnType<typeof read>>;
    try {
      current = await read(version);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return changed(`version ${version} cannot be read`);
    }
    const { manifest, operation } = current;
    // Columns were added by the version after this one.
    if (after && !haveSameRows(manifest, after, COLUMNS)) return changed('other columns');
    first ??= operation.name;
    if (haveSameRows(base, manifest, COLUMNS)) break;
    if (operation.rows === 'changed') return changed(operation.name);
    after = operation.rows === 'columns' ? manifest : undefined;
    if (version === base.version + 1 && after) return changed('other columns');
  }
  return { kind: 'newer', version: newest, operation: first! };
}

async function operationOf(
  bytes: Uint8Array,
  { transaction }: TableManifest,
  read: (file: string) => Promise<Uint8Array>,
): Promise<TableOperation> {
  if (!transaction) return { name: 'an operation that is not recorded', rows: 'changed' };
  return readOperation('offset' in transaction ? messageAt(bytes, transaction.offset) : await read(transaction.file));
}

/** A state in the words of a table's cell. */
export function shortState(state: TableState): string {
  switch (state.kind) {
    case 'same':
      return '-';
    case 'newer':
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
): Promise<void> {
  const problem = describeChange(uri, entry, await readTableState(tables, entry, sizes));
  if (problem !== undefined) throw new DataError(problem);
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
  await requireUnchanged(database, entry, sizes);
  const table = await database.tables.open(entry.bucket);
  if ((await table.version()) !== entry.tableVersion) await table.checkout(entry.tableVersion);
  return table;
}
