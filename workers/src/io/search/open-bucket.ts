import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Table } from '@lancedb/lancedb';
import type { CatalogEntry } from '../../core/catalog.ts';
import { DataError, toUserError, UserError } from '../../errors.ts';
import type { Database } from '../database.ts';
import { openTable } from '../lance/tables.ts';
import { type Partitions, readPartitions } from '../partitions.ts';

/** A bucket ready to be searched. */
export interface OpenBucket {
  entry: CatalogEntry;
  table: Table;
  /** `<database>/<bucket>.lance` */
  folder: string;
  partitions(): Promise<Partitions>;
}

/** Opens a bucket's table and checks it against its catalog entry. @throws DataError where it is missing or damaged */
export async function openBucket(database: Database, entry: CatalogEntry): Promise<OpenBucket> {
  const folder = join(database.uri, `${entry.bucket}.lance`);
  await checkFiles(database, folder, entry);
  const table = await openTable(database.uri, entry.bucket).catch((error: unknown) => {
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
    folder,
    partitions() {
      if (!entry.partitions) throw new Error(`${entry.bucket} has no partition order`);
      partitions ??= readPartitions(database, entry.partitions);
      return partitions;
    },
  };
}

/**
 * What can be seen without reading the data: every file is there and as long as it was, and the manifest, which LanceDB
 * trusts, is the one that was written.
 */
async function checkFiles(database: Database, folder: string, { bucket, files, partitions }: CatalogEntry) {
  const expected = files.map(({ path, bytes }) => ({ path: join(folder, path), bytes }));
  if (partitions) expected.push({ path: join(database.uri, partitions.path), bytes: partitions.bytes });
  for (const { path, bytes } of expected) {
    const size = (await stat(path).catch(() => undefined))?.size;
    if (size === undefined) throw damagedBucket(database, bucket, `${path} is missing`);
    if (size !== bytes) throw damagedBucket(database, bucket, `${path} has ${size} bytes instead of ${bytes}`);
  }
  const manifest = files.find(({ path }) => path.startsWith('_versions/'));
  if (manifest && checksum(await readFile(join(folder, manifest.path))) !== manifest.crc32)
    throw damagedBucket(database, bucket, `${join(folder, manifest.path)} is not what was written`);
}

/** What to tell where a table is not what the catalog says, or LanceDB cannot read it. */
export function damagedBucket(database: Database, bucket: string, reason: unknown): UserError {
  const known = toUserError(reason);
  // A full disk, say, is no damage.
  if (known instanceof UserError) return known;
  const text = known instanceof Error ? known.message.split(/[\n,]/, 1)[0]! : String(known);
  return new DataError(
    `${database.uri}: ${bucket} is damaged: ${text.slice(0, 300)}. ` +
      `Remove ${join('_catalog', `${bucket}.json`)} there and build it again.`,
    { cause: reason },
  );
}

function checksum(bytes: Uint8Array): string {
  return crc32(bytes).toString(16).padStart(8, '0');
}
