import type { Table } from '@lancedb/lancedb';

/** A file whose byte ranges can be read in any order. */
export interface RangeFile {
  /** Fills `into` from `position` on. @throws DataError if the file is shorter */
  read(into: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

/** A file whose checksum is computed. */
export interface CheckedFile {
  path: string;
  bytes: number;
  /** A formatted checksum, whose algorithm is used; default: CRC-64. */
  checksum?: string;
}

/** Reads tables and partition files in place. Paths are relative to the database. */
export interface TableReader {
  /** The local folder that holds the files; undefined if they are on S3. */
  readonly folder: string | undefined;
  /** Returns the byte count of a file, or undefined if it does not exist. */
  size(path: string): Promise<number | undefined>;
  /**
   * Returns the byte counts of all files of a table, including other versions, by path inside the table; empty if the table does not
   * exist.
   * @param folder restricts the list to one folder of the table, as in `_versions/`
   */
  sizes(bucket: string, folder?: string): Promise<Map<string, number>>;
  /** Reads a whole file. */
  read(path: string): Promise<Uint8Array>;
  /** Opens a file for ranges. @throws DataError if it does not exist */
  openFile(path: string): Promise<RangeFile>;
  /**
   * Computes the checksums of files, in their order.
   * @param onProgress called with the bytes read since the last call
   */
  checksums(files: readonly CheckedFile[], onProgress?: (bytes: number) => void): Promise<string[]>;
  /** Opens a table in LanceDB. */
  open(bucket: string): Promise<Table>;
}
