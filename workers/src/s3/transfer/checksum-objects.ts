import { algorithmOf } from '../../base/bytes/checksum.ts';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import type { S3Bucket } from '../client.ts';
import { withTransfers } from './transfers.ts';

/** An object to read. */
interface ReadObject {
  /** Path below the location. */
  key: string;
  bytes: number;
  /** A formatted checksum, whose algorithm is used; default: CRC-64. */
  checksum?: string | undefined;
}

const RANGE_BYTES = 16 * 2 ** 20;

/**
 * Computes the checksums of objects in worker threads, by ranges, without storing them. Memory: see `TransferTasks`.
 * @param onProgress called with the bytes read since the last call
 * @returns the formatted checksums, in the order of the objects
 * @throws DataError where an object is absent or shorter, TransientError where a fault lasts
 */
export async function checksumObjects(
  s3: S3Bucket,
  objects: readonly ReadObject[],
  onProgress: (bytes: number) => void = () => {},
): Promise<string[]> {
  const ranges = objects.flatMap(({ key, bytes, checksum }, object) =>
    Array.from({ length: Math.ceil(bytes / RANGE_BYTES) }, (_, i) => {
      const offset = i * RANGE_BYTES;
      return { object, range: { key, offset, length: Math.min(RANGE_BYTES, bytes - offset), checksum } };
    }),
  );
  const bytes = objects.reduce((sum, object) => sum + object.bytes, 0);
  const sums = await withTransfers(s3, { bytes }, (transfers) =>
    mapConcurrently(ranges, transfers.concurrency, async ({ range }) => {
      const sum = await transfers.run('checksumObject', range);
      onProgress(range.length);
      return sum;
    }),
  );
  const algorithms = objects.map(({ checksum }) => algorithmOf(checksum));
  const wholes = objects.map(() => 0n);
  for (const [i, { object, range }] of ranges.entries())
    wholes[object] = algorithms[object]!.combine(wholes[object]!, sums[i]!, range.length);
  return wholes.map((sum, object) => algorithms[object]!.format(sum));
}
