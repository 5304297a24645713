import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { readRange } from '../../s3/range.ts';
import type { RangeFile } from '../table-reader.ts';

/** One request brings a fraction of what S3 gives: a read is many at once. */
const REQUEST_BYTES = 2 * 2 ** 20;
const REQUESTS_AT_ONCE = 16;

/** An object of which parts are read where it is. No request is made. */
export function openRange(s3: S3Bucket, path: string): RangeFile {
  return {
    async read(into, position) {
      const starts = Array.from({ length: Math.ceil(into.length / REQUEST_BYTES) }, (_, i) => i * REQUEST_BYTES);
      await mapConcurrently(starts, REQUESTS_AT_ONCE, (start) => {
        const piece = into.subarray(start, start + REQUEST_BYTES);
        return readRange(s3, path, position + start, piece.length, piece);
      });
    },
    async close() {},
  };
}
