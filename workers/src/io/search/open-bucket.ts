import { join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import type { CatalogEntry } from '../../core/catalog.ts';
import { DataError } from '../../errors.ts';
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
  const table = await openTable(database.uri, entry.bucket).catch((error: Error) => {
    const [reason] = error.message.split('\n');
    throw new DataError(`${database.uri}: ${entry.bucket} cannot be opened: ${reason}. Build the bucket again.`, {
      cause: error,
    });
  });
  const rows = await table.countRows();
  if (rows !== entry.rows) {
    table.close();
    throw new DataError(
      `${database.uri}: ${entry.bucket} has ${rows} rows, its catalog entry says ${entry.rows}. Build it again.`,
    );
  }
  let partitions: Promise<Partitions> | undefined;
  return {
    entry,
    table,
    folder: join(database.uri, `${entry.bucket}.lance`),
    partitions() {
      if (!entry.partitions) throw new Error(`${entry.bucket} has no partition order`);
      partitions ??= readPartitions(database.uri, entry.partitions);
      return partitions;
    },
  };
}
