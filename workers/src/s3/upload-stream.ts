import type { Readable } from 'node:stream';
import { CRC64 } from '../base/bytes/checksum.ts';
import { DataError, TransientError } from '../base/errors.ts';
import { parseS3Uri } from '../base/s3-location.ts';
import { openS3, type S3Bucket } from './client.ts';
import { describeObject } from './describe-object.ts';
import { removeObject } from './objects.ts';
import { fetchBlocks } from './ranges/range.ts';

/**
 * Uploads a stream as an object, in parts as they come, and compares the object's checksum. The object appears when all of it is there, or
 * not at all.
 * @param uri address of the object
 * @returns its byte count
 * @throws UserError for faults of S3, TransientError, after removing the object if that is allowed, where another content arrived, and what the stream throws
 */
export async function uploadStream(uri: string, body: Readable, contentType: string): Promise<number> {
  const { bucket, prefix: key } = parseS3Uri(uri);
  const s3 = await openS3(`s3://${bucket}`);
  const { Upload } = await import('@aws-sdk/lib-storage');
  let bytes = 0;
  let sum = 0n;
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    sum = CRC64.of(chunk, sum);
  });
  body.pause();
  const params = { Bucket: bucket, Key: key, Body: body, ContentType: contentType };
  await new Upload({ client: s3.client, params }).done();
  if (await isSame(s3, key, bytes, sum)) return bytes;
  // Whoever writes may be refused to remove. The next attempt replaces the object.
  const isRemoved = await removeObject(s3, key).then(
    () => true,
    () => false,
  );
  throw new TransientError(
    `${uri}: ${s3.endpoint} kept another content than was sent, and the object ${isRemoved ? 'was' : 'could not be'} removed. Check the network, then run the same command again.`,
  );
}

/** Compares an object with what was sent: by its checksum or, where the service has none, by reading it. */
async function isSame(s3: S3Bucket, key: string, bytes: number, sum: bigint): Promise<boolean> {
  try {
    const object = await describeObject(s3, key);
    if (object?.bytes !== bytes) return false;
    if (object.checksum !== undefined && CRC64.isAlgorithmOf(object.checksum))
      return CRC64.parse(object.checksum) === sum;
    return bytes === 0 || (await fetchBlocks(s3, key, 0, bytes, async () => {})) === sum;
  } catch (error) {
    // Whoever writes may be refused to read.
    if (error instanceof DataError) return true;
    throw error;
  }
}
