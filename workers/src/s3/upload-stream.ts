import type { Readable } from 'node:stream';
import { parseS3Uri } from '../base/s3-location.ts';
import { openS3 } from './client.ts';

/**
 * Uploads a stream as an object, in parts as they come. The object appears when all of it is there, or not at all.
 * @param uri address of the object
 * @returns its byte count
 * @throws UserError for faults of S3, and what the stream throws
 */
export async function uploadStream(uri: string, body: Readable, contentType: string): Promise<number> {
  const { bucket, prefix: key } = parseS3Uri(uri);
  const { client } = await openS3(`s3://${bucket}`);
  const { Upload } = await import('@aws-sdk/lib-storage');
  let bytes = 0;
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  body.pause();
  const params = { Bucket: bucket, Key: key, Body: body, ContentType: contentType };
  await new Upload({ client, params }).done();
  return bytes;
}
