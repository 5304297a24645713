import type { CommandContext } from '../app/command.ts';
import type { CatalogEntry, IngestRecord } from './catalog/catalog-entry.ts';
import type { TableReader } from './table-reader.ts';

/** The parts of a table that a search reads. Ids are always among them. */
export interface NeededParts {
  vectors: boolean;
  index: boolean;
  partitions: boolean;
}

/** How a search reads a table that is not on this machine. */
export interface FetchOptions {
  /** Reads the table in place, and stores nothing. */
  stream: boolean;
  /** Decides which parts to fetch. Called only where a table is fetched. */
  neededParts: () => Promise<NeededParts>;
  progress: CommandContext['progress'];
}

/** Tables on this node's disk: those that are built, and those that are searched. */
export interface NodeTables {
  /** Folder in which scratch folders are made. */
  readonly scratch: string;
  /**
   * Reserves disk space for what is about to be written. Fetched tables that nobody uses are removed where that needs it.
   * @param bytes that `folder` will hold in the end
   * @returns a function that ends the reservation
   * @throws TransientError with the figures where too little is free
   */
  reserve(folder: string, bytes: number): Promise<() => Promise<void>>;
  /** Fills a folder with a table's files, except its index, such that a change in the folder leaves the original as it is. */
  mirror(record: IngestRecord, folder: string): Promise<void>;
  /**
   * Runs a search of a bucket, fetching first what it needs of a table on S3.
   * @param search gets the tables to read, and the entry with the parts that they have
   */
  withTable<T>(
    entry: CatalogEntry,
    options: FetchOptions,
    search: (tables: TableReader, entry: CatalogEntry) => Promise<T>,
  ): Promise<T>;
}
