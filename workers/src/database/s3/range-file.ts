import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { readRange } from '../../s3/ranges/range.ts';
import { SignedObject } from '../../s3/ranges/signed-object.ts';
import type { RangeFile } from '../table-reader.ts';

/** One request gets a fraction of S3's throughput, so a read is divided into several at once. */
const REQUEST_BYTES = 2 * 2 ** 20;
const REQUESTS_AT_ONCE = 16;

/** Opens an object whose byte ranges are read in place, all of one version. Makes no request. */
export function openRange(s3: S3Bucket, path: string): RangeFile {
  const signed = new SignedObject(s3, path);
  return {
    async read(into, position) {
      const starts = Array.from({ length: Math.ceil(into.length / REQUEST_BYTES) }, (_, i) => i * REQUEST_BYTES);
      await mapConcurrently(starts, REQUESTS_AT_ONCE, (start) => {
        const piece = into.subarray(start, start + REQUEST_BYTES);
        return readRange(s3, path, position + start, piece.length, piece, signed);
      });
    },
    async close() {},
  };
}
