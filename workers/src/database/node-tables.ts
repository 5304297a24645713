import type { CommandContext } from '../app/command.ts';
import type { CatalogEntry, IngestRecord } from './catalog/catalog-entry.ts';
import type { TableReader } from './table-reader.ts';

/** The parts of a table that a search reads. Ids are always among them. */
export interface NeededParts {
  vectors: boolean;
  /** The kept columns. */
  columns: boolean;
  index: boolean;
  partitions: boolean;
}

/** Options for reading a table on S3 in a search. */
export interface FetchOptions {
  /** Reads the table in place, and stores nothing. */
  stream: boolean;
  /** Decides which parts to fetch. Called only if a table is fetched. */
  neededParts: () => Promise<NeededParts>;
  progress: CommandContext['progress'];
}

/** A table that a search reads; disposed of when the search has ended. */
export interface OpenedTable extends AsyncDisposable {
  tables: TableReader;
  /** The bucket's entry, reduced to the parts that `tables` can read. */
  entry: CatalogEntry;
}

/** Tables on this node's disk, while they are built or searched. */
export interface NodeTables {
  /** Folder in which scratch folders are created. */
  readonly scratch: string;
  /**
   * Reserves disk space for files that are about to be written. Evicts fetched tables that nobody uses if the space is needed.
   * @param bytes that `folder` will hold in the end
   * @returns a function that ends the reservation
   * @throws TransientError with the figures where too little is free
   */
  reserve(folder: string, bytes: number): Promise<() => Promise<void>>;
  /** Fills a folder with a table's files, except its index. Changes in the folder do not affect the original. */
  mirror(record: IngestRecord, folder: string): Promise<void>;
  /** Opens a bucket's table for a search. Fetches the parts that the search needs first if the table is on S3. */
  openForSearch(entry: CatalogEntry, options: FetchOptions): Promise<OpenedTable>;
}
