import { TransientError } from '../../base/errors.ts';
import { openS3, type S3Bucket } from '../../s3/client.ts';
import { answerOf, isAbsent, isConflict } from '../../s3/s3-errors.ts';
import { LAMBDA_MESSAGES } from './lambda-messages.ts';
import { WrongQuestionError } from './question-errors.ts';

/** The bucket of queries, parts and answers. */
export interface ResultsBucket {
  /** Returns the address of an object. */
  uri(key: string): string;
  /** Reads an object; undefined if it does not exist. @throws WrongQuestionError if it has more bytes than `most` */
  read(key: string, most?: number): Promise<Uint8Array | undefined>;
  /** Creates an object unless it exists. @returns whether it was created */
  create(key: string, body: Uint8Array | string, contentType: string): Promise<boolean>;
}

/** Opens the bucket at `s3://bucket`. */
export async function openResults(uri: string): Promise<ResultsBucket> {
  const s3 = await openS3(uri);
  const where = (key: string) => ({ Bucket: s3.location.bucket, Key: s3.key(key) });
  return {
    uri: (key) => `${s3.uri}/${key}`,
    read: (key, most = Number.POSITIVE_INFINITY) => readObject(s3, where(key), most),
    async create(key, Body, ContentType) {
      const { PutObjectCommand } = await import('@aws-sdk/client-s3');
      try {
        await s3.client.send(new PutObjectCommand({ ...where(key), Body, ContentType, IfNoneMatch: '*' }));
        return true;
      } catch (error) {
        // Another call writes it at this moment, and may still fail.
        if (answerOf(error).$metadata?.httpStatusCode === 409)
          throw new TransientError(LAMBDA_MESSAGES.writtenTwice(`${s3.uri}/${key}`), { cause: error });
        if (isConflict(error)) return false;
        throw error;
      }
    },
  };
}

async function readObject(
  s3: S3Bucket,
  where: { Bucket: string; Key: string },
  most: number,
): Promise<Uint8Array | undefined> {
  const { GetObjectCommand } = await import('@aws-sdk/client-s3');
  try {
    const { Body, ContentLength = 0 } = await s3.client.send(new GetObjectCommand(where));
    if (ContentLength > most) {
      await Body?.transformToWebStream().cancel();
      throw new WrongQuestionError(
        LAMBDA_MESSAGES.largeObject(`s3://${where.Bucket}/${where.Key}`, ContentLength, most),
      );
    }
    return await Body?.transformToByteArray();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
