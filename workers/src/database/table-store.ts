import type { Table } from '@lancedb/lancedb';
import type { CommandContext } from '../app/command.ts';
import type { Algorithm } from '../base/bytes/checksum.ts';
import type { TableFile } from '../lance/table-files.ts';
import type { CatalogEntry, IngestRecord } from './catalog/catalog-entry.ts';

/** What of a table a search reads. The ids are always needed. */
export interface NeededParts {
  vectors: boolean;
  index: boolean;
  partitions: boolean;
}

/** A table that is whole in a folder of this machine and is to become the database's. */
export interface MadeTable {
  bucket: string;
  /** `.../<bucket>.lance` */
  folder: string;
  /** Files of it whose checksums are known. */
  known: readonly TableFile[];
  /** Its partition file here, and its path in the database; not given where that stays as it is. */
  partitions?: { file: string; path: string } | 'none';
  /** Aborted where the bucket's lock is lost: nothing more may be written. */
  lost: AbortSignal;
}

/** How a table is brought to this machine. */
export interface BringOptions {
  /** Folder that tasks on this node share; without, the table is removed after use. */
  work: string | undefined;
  progress: CommandContext['progress'];
}

/** A table, or what was needed of it, on this machine. */
export interface BroughtTable {
  /** Like the database's own folder, with this table alone. */
  folder: string;
  /** Those that are there. */
  files: TableFile[];
  /** Ends its use. */
  release(): Promise<void>;
}

/** A file of which parts are read, in any order. */
export interface RangeFile {
  /** Fills `into` from `position` on. @throws DataError where the file is shorter */
  read(into: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

/** The tables and partition files of a database, wherever it is. Paths are relative to the database. */
export interface TableStore {
  /** What --work is where it is not given: a folder that tasks of this node share. */
  readonly work: string | undefined;
  /** Where tables are made without that. */
  readonly scratch: string;
  /** Size of a file. */
  size(path: string): Promise<number | undefined>;
  /**
   * Sizes of all files of a table, also of other versions, by their paths inside it; none where there is no table.
   * @param folder only those in it: `_versions/`
   */
  sizes(bucket: string, folder?: string): Promise<Map<string, number>>;
  read(path: string): Promise<Uint8Array>;
  /** A file's path on this machine; not there where it has none. */
  pathOf?(path: string): string;
  /** @throws DataError where there is no such file */
  openFile(path: string): Promise<RangeFile>;
  /** Checksum of a file. */
  checksum(path: string, algorithm?: Algorithm): Promise<string>;
  /** Opens a table where it is. */
  open(bucket: string): Promise<Table>;
  /**
   * Brings what a search needs to this machine; not there where tables are at hand already.
   */
  bring?(entry: CatalogEntry, parts: NeededParts, options: BringOptions): Promise<BroughtTable>;
  /**
   * Makes a table's files, but for its index, appear in a folder in which it can be worked on without touching the original.
   * @param work as given: what ingest-bucket has left there need not be fetched
   */
  mirror(record: IngestRecord, to: string, work: string | undefined): Promise<void>;
  /**
   * Brings the newest version of a table into the database, and removes what does not belong to it. Killed anywhere, it can
   * be run again.
   * @returns the table's files, where it cost nothing to learn about them
   */
  publish(table: MadeTable): Promise<TableFile[] | undefined>;
  /**
   * Reserves space of the disk for what is about to be made in a scratch folder; kept tables that nobody uses go where that needs it.
   * @param bytes that the folder will hold in the end
   * @returns what ends the reservation
   * @throws TransientError with the figures where too little is left
   */
  reserve(work: string | undefined, scratch: string, bytes: number): Promise<() => Promise<void>>;
  /**
   * Keeps a published table on this node, for index-bucket.
   * @param folder `.../<bucket>.lance`, may be moved
   */
  keep(record: IngestRecord, folder: string, work: string | undefined): Promise<void>;
  /** Removes what was kept. */
  forget(record: IngestRecord, work: string | undefined): Promise<void>;
  /** Ends the uploads that dead builds of a bucket left open; the caller holds its lock. */
  endUploads(bucket: string): Promise<void>;
  /** Removes a table of which nothing is to be kept. */
  remove(bucket: string): Promise<void>;
  /** Names of the folders of all tables, and of what interrupted builds left, each with what it is. */
  contents(): Promise<{ tables: string[]; leftovers: string[] }>;
}

/** Locks of buckets: one process builds a bucket at a time. */
export interface BucketLocks {
  /**
   * Waits for a bucket's lock, however long another process holds it.
   * @param onLost told when the lock is somebody else's, or may be
   * @returns what gives it back
   */
  acquire(bucket: string, onLost: (error: Error) => void): Promise<() => Promise<void>>;
  /** Removes what a killed process left of its lock, where the bucket will not be built again. */
  removeEnded(bucket: string): Promise<void>;
}
