import type { Table } from '@lancedb/lancedb';
import type { ChecksumAlgorithm } from '../base/bytes/checksum.ts';

/** A file whose byte ranges are read, in any order. */
export interface RangeFile {
  /** Fills `into` from `position` on. @throws DataError where the file is shorter */
  read(into: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

/** Reads tables and partition files where they are. Paths are relative to the database. */
export interface TableReader {
  /** The folder of this machine that holds the files; undefined where they are on S3. */
  readonly folder: string | undefined;
  /** Returns the byte count of a file, or undefined where it does not exist. */
  size(path: string): Promise<number | undefined>;
  /**
   * Returns the byte counts of all files of a table, other versions included, by their paths inside it; none where the table
   * does not exist.
   * @param folder restricts the list to one folder of the table, as in `_versions/`
   */
  sizes(bucket: string, folder?: string): Promise<Map<string, number>>;
  /** Reads a whole file. */
  read(path: string): Promise<Uint8Array>;
  /** Opens a file for ranges. @throws DataError where it does not exist */
  openFile(path: string): Promise<RangeFile>;
  /** Computes the checksum of a file, by default CRC-64. */
  checksum(path: string, algorithm?: ChecksumAlgorithm): Promise<string>;
  /** Opens a table in LanceDB. */
  open(bucket: string): Promise<Table>;
}
