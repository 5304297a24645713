import type { TableFile } from '../lance/table-files.ts';
import type { TableDescription } from './catalog/catalog-entry.ts';

interface BuiltTable {
  bucket: string;
  /** `.../<bucket>.lance` in a scratch folder. Its files may be moved. */
  folder: string;
  /** Aborted when the bucket's lock is lost: nothing more may be written. */
  lost: AbortSignal;
}

/** A table without its index, as ingest-bucket built it. */
export interface IngestedTable extends BuiltTable {
  /** Its data files. */
  files: readonly TableFile[];
  /** Identifies the input that the table was built from. */
  recipe: string;
  /** The local partition file, and its path in the database; undefined if the rows have no partition order. */
  partitions: { file: string; path: string } | undefined;
}

/** A table with its index, as index-bucket built it. */
export interface IndexedTable extends BuiltTable {
  /** All files of the table. */
  files: readonly TableFile[];
}

/**
 * Moves complete tables from a scratch folder into the database, data first, manifest last, then removes the files of other versions.
 * Each method can be run again after it was killed at any file.
 */
export interface TablePublisher {
  /**
   * Publishes a table and its partition file, replacing those of earlier builds.
   * @returns the table's files if publishing computed their checksums
   */
  publishRows(table: IngestedTable): Promise<Pick<TableDescription, 'files'>>;
  /** Publishes the index of a table. */
  publishIndex(table: IndexedTable): Promise<void>;
  /** Removes the leftovers of killed builds of a bucket. The caller holds the bucket's lock. */
  removeLeftovers(bucket: string): Promise<void>;
  /** Removes a table and its partition files. */
  remove(bucket: string): Promise<void>;
  /** Lists the folders of all tables, and describes each leftover of killed or running builds in a sentence. */
  contents(): Promise<{ tables: string[]; leftovers: string[] }>;
}
