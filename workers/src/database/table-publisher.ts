import type { WrittenBytes } from '../base/concurrency/written-bytes.ts';
import type { TableFile } from '../lance/table-files.ts';
import type { TableDescription } from './catalog/catalog-entry.ts';

interface BuiltTable {
  bucket: string;
  /** `.../<bucket>.lance` in a scratch folder. Its files may be moved. */
  folder: string;
  /** Aborted when the bucket's lock is lost: nothing more may be written. */
  lost: AbortSignal;
}

/** A table that is still being built. */
export interface UnfinishedTable extends BuiltTable {
  /** Of the files that are published early, estimated. */
  bytes: number;
}

/** A file of a table that is still being built. */
export type EarlyFile =
  /** Its content does not change any more. */
  | TableFile
  /** Its size will be `bytes`; it is still being written, from the beginning to the end. */
  | { path: string; bytes: number; written: WrittenBytes };

/** Begins to publish a file of a table that is still being built. @throws the failure of an earlier one */
export type PublishEarly = (file: EarlyFile) => void;

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
   * Begins to publish a table: publishes its finished files while `use` builds the rest, if publishing takes time. A published version is
   * not affected, because no manifest names the files yet. After a failure they stay for the next build, which uses or removes them.
   * @returns the result of `use`, and the files that were published, when all of them are
   */
  publishEarly<T>(
    table: UnfinishedTable,
    use: (publish: PublishEarly) => Promise<T>,
  ): Promise<{ result: T; files: TableFile[] }>;
  /**
   * Publishes a table and its partition file, replacing those of earlier builds.
   * @returns the table's files if publishing computed their checksums
   */
  publishRows(table: IngestedTable): Promise<Pick<TableDescription, 'files'>>;
  /** Publishes the index of a table. */
  publishIndex(table: IndexedTable): Promise<void>;
  /**
   * Removes the leftovers of killed builds of a bucket. The caller holds the bucket's lock.
   * @param files of the published table: data and index files besides them, which a killed build published early, are removed
   */
  removeLeftovers(bucket: string, files: readonly TableFile[]): Promise<void>;
  /** Removes a table and its partition files. */
  remove(bucket: string): Promise<void>;
  /** Lists the folders of all tables, and describes each leftover of killed or running builds in a sentence. */
  contents(): Promise<{ tables: string[]; leftovers: string[] }>;
}
