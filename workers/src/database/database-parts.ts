import type { NodeTables } from './node-tables.ts';
import type { ObjectStore } from './object-store.ts';
import type { TablePublisher } from './table-publisher.ts';
import type { TableReader } from './table-reader.ts';

/** Locks of buckets: one process builds a bucket at a time. */
export interface BucketLocks {
  /**
   * Waits for a bucket's lock, however long another process holds it.
   * @param onLost called when another process has the lock, or may have it
   * @returns a function that releases the lock
   */
  acquire(bucket: string, onLost: (error: Error) => void): Promise<() => Promise<void>>;
  /** Removes the lock of a killed process if the bucket will not be built again. */
  removeEnded(bucket: string): Promise<void>;
}

/** The parts of a database, in a folder or on S3. */
export interface DatabaseParts {
  /** Absolute folder, or `s3://bucket/prefix`. */
  uri: string;
  store: ObjectStore;
  tables: TableReader;
  publisher: TablePublisher;
  nodeTables: NodeTables;
  locks: BucketLocks;
  /** Prepares the place for a first bucket. */
  create(): Promise<void>;
  /** @throws DataError if the place does not exist */
  requireExists(): Promise<void>;
}
