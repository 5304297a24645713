import type { ObjectStore } from './store.ts';
import type { BucketLocks, TableStore } from './table-store.ts';

/** What a database consists of, in a folder or on S3. */
export interface DatabaseParts {
  /** Absolute folder, or `s3://bucket/prefix`. */
  uri: string;
  store: ObjectStore;
  tables: TableStore;
  locks: BucketLocks;
  /** Prepares the place for a first bucket. */
  create(): Promise<void>;
  /** @throws DataError where there is no such place */
  requireThere(): Promise<void>;
}
