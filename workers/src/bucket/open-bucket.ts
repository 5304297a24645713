import { join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import { hasChecksum } from '../base/bytes/checksum.ts';
import { DataError, TransientError, toUserError, UserError } from '../base/errors.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import { contradictionOfManifest } from '../database/catalog/catalog-rules.ts';
import type { Database } from '../database/database.ts';
import { type Partitions, readPartitions } from '../database/partitions.ts';
import { isOtherTable, openVersion, otherTable, requireUnchanged } from '../database/table-state.ts';
import { readManifest } from '../lance/format/table-manifest.ts';
import { s3FailureIn } from '../lance/s3-failure.ts';
import { checkFragments, sampleFragments } from './check-fragments.ts';

/** A bucket ready to be searched. */
export interface OpenBucket {
  entry: CatalogEntry;
  table: Table;
  database: Database;
  partitions(): Promise<Partitions>;
}

/**
 * The entry without its order of partitions where the file of them is missing: the rows are all there, so the bucket can be
 * searched in the other ways.
 */
export async function withPartitionsThatAreThere(
  database: Database,
  entry: CatalogEntry,
  log: (message: string) => void,
): Promise<CatalogEntry> {
  const { bucket, partitions, ...rest } = entry;
  if (!partitions || (await database.tables.size(partitions.path)) !== undefined) return entry;
  log(`${bucket}: ${database.uri}/${partitions.path} is missing, so it cannot be scanned. Build the bucket again.`);
  return { bucket, ...rest };
}

/**
 * Opens a bucket's table, in the catalog's version, and checks it against its catalog entry.
 * @throws DataError where it is missing or damaged, or another client changed its rows
 */
export async function openBucket(database: Database, entry: CatalogEntry): Promise<OpenBucket> {
  const sizes = await database.tables.sizes(entry.bucket);
  await requireUnchanged(database, entry, sizes);
  await checkFiles(database, entry, sizes);
  const table = await openVersion(database, entry, sizes).catch((error: unknown) => {
    throw damagedBucket(database, entry.bucket, error);
  });
  const rows = await table.countRows();
  if (rows !== entry.rows) {
    table.close();
    throw damagedBucket(database, entry.bucket, `${rows} rows, its catalog entry says ${entry.rows}`);
  }
  let partitions: Promise<Partitions> | undefined;
  return {
    entry,
    table,
    database,
    partitions() {
      if (!entry.partitions) throw new Error(`${entry.bucket} has no partition order`);
      partitions ??= readPartitions(database, entry.partitions, entry);
      return partitions;
    },
  };
}

/**
 * What can be seen without reading the data: every file is there and as long as it was, and the manifest, which LanceDB
 * trusts, is the one that was written. It says of which files the table consists, and what is around the vectors of a fragment
 * shows where they begin.
 */
async function checkFiles(database: Database, entry: CatalogEntry, sizes: ReadonlyMap<string, number>): Promise<void> {
  const { bucket, partitions } = entry;
  const { tables } = database;
  // What made a version is of no use to who reads it, and other clients remove it.
  const files = entry.files.filter(({ path }) => !path.startsWith('_transactions/'));
  const expected = files.map(({ path, bytes }) => ({ path: `${bucket}.lance/${path}`, bytes, size: sizes.get(path) }));
  if (partitions)
    expected.push({ path: partitions.path, bytes: partitions.bytes, size: await tables.size(partitions.path) });
  for (const { path, bytes, size } of expected) {
    const where = `${database.uri}/${path}`;
    if (size === undefined) throw damagedBucket(database, bucket, `${where} is missing`);
    if (size !== bytes) throw damagedBucket(database, bucket, `${where} has ${size} bytes instead of ${bytes}`);
  }
  const manifest = files.find(({ path }) => path.startsWith('_versions/'));
  if (!manifest) return;
  const path = `${bucket}.lance/${manifest.path}`;
  const content = await tables.read(path);
  if (isOtherTable(content, entry)) throw otherTable(database.uri, entry);
  if (!hasChecksum(content, manifest.checksum))
    throw damagedBucket(database, bucket, `${database.uri}/${path} is not what was written`);
  const contradiction = contradictionOfManifest(entry, readManifest(content));
  if (contradiction !== undefined)
    throw damagedBucket(database, bucket, `its catalog entry is wrong: ${contradiction}`);
  const [problem] = await checkFragments(tables, entry, sampleFragments(entry));
  if (problem !== undefined) throw damagedBucket(database, bucket, problem);
}

/** One line of what LanceDB says, which can be pages. */
function shortened(message: string): string {
  return message.replaceAll(/\s+/g, ' ').slice(0, 300);
}

/** What to tell where a table is not what the catalog says, or LanceDB cannot read it. */
export function damagedBucket(database: Database, bucket: string, reason: unknown): UserError {
  const known = toUserError(reason);
  // A full disk, say, is no damage.
  if (known instanceof UserError) return known;
  const failure = known instanceof Error ? s3FailureIn(known.message) : undefined;
  if (failure === 'denied')
    return new DataError(
      `${database.uri}: ${bucket} cannot be read: access denied. These credentials lack the permission for it, or LanceDB, which ` +
        'reads with --stream, finds others than LanceFlow. Leave out --stream, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      { cause: reason },
    );
  if (failure === 'passing')
    return new TransientError(
      `${database.uri}: ${bucket} cannot be read now: ${shortened((known as Error).message)}. Run the same command again.`,
      { cause: reason },
    );
  const text = known instanceof Error ? known.message.split(/[\n,]/, 1)[0]! : String(known);
  return new DataError(
    `${database.uri}: ${bucket} is damaged: ${text.slice(0, 300)}. ` +
      `Remove ${join('_catalog', `${bucket}.json`)} there and build it again.`,
    { cause: reason },
  );
}
