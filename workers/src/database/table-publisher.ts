import type { TableFile } from '../lance/table-files.ts';
import type { TableDescription } from './catalog/catalog-entry.ts';

interface BuiltTable {
  bucket: string;
  /** `.../<bucket>.lance` in a scratch folder. Its files may be moved. */
  folder: string;
  /** Aborted where the bucket's lock is lost: nothing more may be written. */
  lost: AbortSignal;
}

/** A table without its index, as ingest-bucket built it. */
export interface IngestedTable extends BuiltTable {
  /** Identifies what the table was built from. */
  recipe: string;
  /** The partition file on this machine, and its path in the database; undefined where the rows have no partition order. */
  partitions: { file: string; path: string } | undefined;
}

/** A table with its index, as index-bucket built it. */
export interface IndexedTable extends BuiltTable {
  /** All files of it. */
  files: readonly TableFile[];
}

/**
 * Moves tables that are whole in a scratch folder into the database, data first, manifest last, then removes the files of other
 * versions. Killed at any file, each can be run again.
 */
export interface TablePublisher {
  /**
   * Publishes a table and its partition file, in place of those of earlier builds.
   * @returns the table's files, where publishing computed their checksums
   */
  publishRows(table: IngestedTable): Promise<Pick<TableDescription, 'files'>>;
  /** Publishes the index of a table. */
  publishIndex(table: IndexedTable): Promise<void>;
  /** Removes what killed builds of a bucket left. The caller holds the bucket's lock. */
  removeLeftovers(bucket: string): Promise<void>;
  /** Removes a table and its partition files. */
  remove(bucket: string): Promise<void>;
  /** Lists the folders of all tables, and what killed or running builds left: a sentence each. */
  contents(): Promise<{ tables: string[]; leftovers: string[] }>;
}
