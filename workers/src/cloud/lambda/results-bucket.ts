import { openS3, type S3Bucket } from '../../s3/client.ts';
import { isAbsent, isConflict } from '../../s3/s3-errors.ts';

/** The bucket of queries, parts and answers. */
export interface ResultsBucket {
  /** Returns the address of an object. */
  uri(key: string): string;
  /** Reads an object; undefined if it does not exist. */
  read(key: string): Promise<Uint8Array | undefined>;
  /** Creates an object unless it exists. @returns whether it was created */
  create(key: string, body: Uint8Array | string, contentType: string): Promise<boolean>;
}

/** Opens the bucket at `s3://bucket`. */
export async function openResults(uri: string): Promise<ResultsBucket> {
  const s3 = await openS3(uri);
  const where = (key: string) => ({ Bucket: s3.location.bucket, Key: s3.key(key) });
  return {
    uri: (key) => `${s3.uri}/${key}`,
    read: (key) => readObject(s3, where(key)),
    async create(key, Body, ContentType) {
      const { PutObjectCommand } = await import('@aws-sdk/client-s3');
      try {
        await s3.client.send(new PutObjectCommand({ ...where(key), Body, ContentType, IfNoneMatch: '*' }));
        return true;
      } catch (error) {
        if (isConflict(error)) return false;
        throw error;
      }
    },
  };
}

async function readObject(s3: S3Bucket, where: { Bucket: string; Key: string }): Promise<Uint8Array | undefined> {
  const { GetObjectCommand } = await import('@aws-sdk/client-s3');
  try {
    const { Body } = await s3.client.send(new GetObjectCommand(where));
    return await Body?.transformToByteArray();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
