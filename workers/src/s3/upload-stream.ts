import type { Readable } from 'node:stream';
import { CRC64 } from '../base/bytes/checksum.ts';
import { DataError, TransientError } from '../base/errors.ts';
import { parseS3Uri } from '../base/s3-location.ts';
import { openS3, type S3Bucket } from './client.ts';
import { describeObject, plainEtag } from './describe-object.ts';
import { removeObject } from './objects.ts';
import { fetchBlocks } from './ranges/range.ts';

/**
 * Uploads a stream as an object, in parts as they come, and compares the object's checksum. The object appears when all of it is there, or
 * not at all.
 * @param uri address of the object
 * @returns its byte count
 * @throws UserError for faults of S3, TransientError, where another content arrived, after removing it if that is allowed, or where another program replaced the object, and what the stream throws
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
  const { ETag = '' } = await new Upload({ client: s3.client, params }).done();
  const found = await compare(s3, key, { etag: plainEtag(ETag), bytes, sum });
  if (found === 'same') return bytes;
  if (found === 'replaced')
    throw new TransientError(
      `${uri}: another program replaced or removed this object while it was written. Write to another name, or run the same command again.`,
    );
  // Whoever writes may be refused to remove. The next attempt replaces the object.
  const isRemoved = await removeObject(s3, key).then(
    () => true,
    () => false,
  );
  throw new TransientError(
    `${uri}: ${s3.endpoint} kept another content than was sent, and the object ${isRemoved ? 'was' : 'could not be'} removed. Check the network, then run the same command again.`,
  );
}

/**
 * Compares an object with what was sent: by its checksum or, where the service has none, by reading it. An object with another ETag is not
 * that of this upload.
 */
async function compare(
  s3: S3Bucket,
  key: string,
  { etag, bytes, sum }: { etag: string; bytes: number; sum: bigint },
): Promise<'same' | 'changed' | 'replaced'> {
  try {
    const object = await describeObject(s3, key);
    if (object === undefined || (etag !== '' && object.etag !== etag)) return 'replaced';
    if (object.bytes !== bytes) return 'changed';
    if (object.checksum !== undefined && CRC64.isAlgorithmOf(object.checksum))
      return CRC64.parse(object.checksum) === sum ? 'same' : 'changed';
    return bytes === 0 || (await fetchBlocks(s3, key, 0, bytes, async () => {})) === sum ? 'same' : 'changed';
  } catch (error) {
    // Whoever writes may be refused to read.
    if (error instanceof DataError) return 'same';
    throw error;
  }
}
