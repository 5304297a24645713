import { CRC64, hasChecksum } from '../../base/bytes/checksum.ts';
import { TransientError } from '../../base/errors.ts';
import { sealedText } from '../../base/text/document.ts';
import type { PlanSource } from '../catalog/bucket-plan.ts';
import { type CatalogEntry, fingerprint, type Revision } from '../catalog/catalog-entry.ts';
import type { Database } from '../database.ts';
import { changedMeanwhile } from '../database-messages.ts';
import { versionsIn } from '../table-history.ts';
import { intentPath, type RevisionIntent, readIntent } from './intent.ts';

/** A new file of a table, by its path in the table's folder. */
export interface RevisionFile {
  path: string;
  content: Uint8Array;
}

/** The next version of a bucket's table, whose data files are those of the version before. */
export interface TableRevision {
  tableVersion: number;
  rows: number;
  deletedRows: number;
  /** Sources that the bucket still has rows of. */
  sources: readonly PlanSource[];
  /** New files, the manifest last. */
  files: readonly RevisionFile[];
  /** Returns whether the version has a file of the version before. */
  keeps(path: string): boolean;
}

const VERSION_HINT = '_versions/latest_version_hint.json';

/**
 * Publishes the next version of a bucket's table, then its catalog entry, in one step. Searches see the version before or the new one. It
 * can be killed at any moment: `undoRevision` removes what no entry names. The caller holds the bucket's lock.
 * @param entry of the version before
 * @returns the new entry
 * @throws TransientError if another client wrote a version meanwhile
 */
export async function publishRevision(
  database: Database,
  entry: CatalogEntry,
  revision: TableRevision,
  lost: AbortSignal,
): Promise<CatalogEntry> {
  const { bucket } = entry;
  const next = revisedEntry(entry, revision);
  const manifest = revision.files.at(-1)!;
  const intent: RevisionIntent = {
    version: 1,
    tableVersion: revision.tableVersion,
    manifest: CRC64.format(CRC64.of(manifest.content)),
    files: revision.files.map(({ path }) => path).reverse(),
  };
  lost.throwIfAborted();
  await database.createFile(intentPath(bucket), sealedText(intent));
  await database.removeFiles([`${bucket}.lance/${VERSION_HINT}`]);
  for (const { path, content } of revision.files) {
    lost.throwIfAborted();
    if (await database.createFile(`${bucket}.lance/${path}`, content)) continue;
    await undoRevision(database, entry);
    throw new TransientError(changedMeanwhile(database.uri, bucket));
  }
  lost.throwIfAborted();
  await database.writeEntry(next);
  await database.removeFiles([intentPath(bucket)]);
  await removeSuperseded(database, entry, next);
  return next;
}

/** Removes a version whose publication was killed before the catalog entry named it. The caller holds the bucket's lock. */
export async function undoRevision(database: Database, { bucket, tableVersion, files }: CatalogEntry): Promise<void> {
  const intent = await readIntent(database.tables, bucket);
  if (!intent) return;
  const [manifest, ...others] = intent.files.map((path) => `${bucket}.lance/${path}`);
  // Another client may have made its version from this one, with these files.
  const versions = versionsIn((await database.tables.sizes(bucket, '_versions/')).keys());
  if (tableVersion < intent.tableVersion && Math.max(...versions.keys()) <= intent.tableVersion) {
    const isPresent = (await database.tables.size(manifest!)) !== undefined;
    const isOwn = isPresent && hasChecksum(await database.tables.read(manifest!), intent.manifest);
    if (isOwn) await database.removeFiles([manifest!]);
    const known = new Set(files.map(({ path }) => `${bucket}.lance/${path}`));
    await database.removeFiles(others.filter((path) => !known.has(path)));
  }
  await database.removeFiles([intentPath(bucket)]);
}

/** Returns the entry of a bucket whose rows another entry's differ from by a revision. */
export function nextRevision({ fingerprint: last, revision }: CatalogEntry): Revision {
  const { of = [], removedRows = 0, addedRows = 0, ...rest } = revision ?? {};
  return { of: [...of, last], removedRows, addedRows, ...rest };
}

function revisedEntry(entry: CatalogEntry, revision: TableRevision): CatalogEntry {
  const { bucket, metric, nullDistances } = entry;
  const { tableVersion, rows, deletedRows, sources } = revision;
  const files = [
    ...entry.files.filter(({ path }) => revision.keeps(path)),
    ...revision.files.map(({ path, content }) => ({
      path,
      bytes: content.length,
      checksum: CRC64.format(CRC64.of(content)),
    })),
  ];
  const facts = { bucket, rows, metric, tableVersion, files, ...(nullDistances ? { nullDistances } : {}) };
  const { deletedRows: _, ...rest } = entry;
  const before = nextRevision(entry);
  const droppedRows = sourceRows(entry.sources) - sourceRows(sources);
  // Without the rows of a source, the bucket is no longer what -resume of its build would take it for.
  const of = droppedRows > 0 ? [] : before.of;
  return {
    ...rest,
    ...facts,
    sources: [...sources],
    ...(deletedRows > 0 ? { deletedRows } : {}),
    revision: { ...before, of, removedRows: before.removedRows + entry.rows - rows - droppedRows },
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    fingerprint: fingerprint(facts),
  };
}

function sourceRows(sources: readonly PlanSource[]): number {
  return sources.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** Removes the files of versions before the last one, which searches may still read. */
async function removeSuperseded(database: Database, last: CatalogEntry, next: CatalogEntry): Promise<void> {
  const kept = new Set([...last.files, ...next.files].map(({ path }) => path));
  const { bucket } = next;
  for (const folder of ['_versions/', '_transactions/', '_deletions/']) {
    const paths = [...(await database.tables.sizes(bucket, folder)).keys()].filter((path) => !kept.has(path));
    await database.removeFiles(paths.map((path) => `${bucket}.lance/${path}`));
  }
}
