import type { TableReader } from '../../../database/table-reader.ts';

/** What was read. */
export interface ReadCounts {
  requests: number;
  bytes: number;
}

/** Objects that one request lists. */
const LISTED = 1000;
/** Long ranges are read by several requests: database/s3/range-file.ts. */
const REQUEST_BYTES = 2 * 2 ** 20;
/** Requests by which LanceDB opens a table. */
const REQUESTS_TO_OPEN = 3;

/** Returns a reader of the same tables that counts its requests to S3, repeated ones aside. */
export function countedTables(tables: TableReader, counts: ReadCounts): TableReader {
  const count = (requests: number, bytes = 0) => {
    counts.requests += requests;
    counts.bytes += bytes;
  };
  return {
    ...tables,
    size(path) {
      count(1);
      return tables.size(path);
    },
    async sizes(bucket, folder) {
      const sizes = await tables.sizes(bucket, folder);
      count(Math.max(1, Math.ceil(sizes.size / LISTED)));
      return sizes;
    },
    async read(path) {
      const content = await tables.read(path);
      // Its size is requested first.
      count(2, content.length);
      return content;
    },
    async openFile(path) {
      const file = await tables.openFile(path);
      return {
        async read(into, position) {
          await file.read(into, position);
          count(Math.ceil(into.length / REQUEST_BYTES), into.length);
        },
        close: () => file.close(),
      };
    },
    open(bucket) {
      count(REQUESTS_TO_OPEN);
      return tables.open(bucket);
    },
  };
}
