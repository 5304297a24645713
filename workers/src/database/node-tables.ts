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

/** A table that a search reads; disposed of when the search has ended. */
export interface OpenedTable extends AsyncDisposable {
  tables: TableReader;
  /** With the parts that the table has. */
  entry: CatalogEntry;
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
  /** Opens a bucket's table for a search, fetching first what the search needs of a table on S3. */
  openForSearch(entry: CatalogEntry, options: FetchOptions): Promise<OpenedTable>;
}
