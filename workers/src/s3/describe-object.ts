import { CRC32, CRC64 } from '../base/bytes/checksum.ts';
import type { S3Bucket } from './client.ts';
import { answerOf, isAbsent, isUnknownToService } from './s3-errors.ts';

/** The facts about an object that need no content. */
export interface RemoteObject {
  bytes: number | undefined;
  /** Checksum of the whole content; undefined where the service has none. */
  checksum: string | undefined;
  etag: string;
}

/** Describes an object by HeadObject, which costs a tenth of ListObjects. @returns undefined where it is absent */
export async function describeObject(s3: S3Bucket, key: string): Promise<RemoteObject | undefined> {
  const { GetObjectCommand, HeadObjectCommand } = await import('@aws-sdk/client-s3');
  const where = { Bucket: s3.location.bucket, Key: s3.key(key) };
  const head = async (): Promise<RemoteObject> => {
    const mode = s3.service.tellsChecksums ? ({ ChecksumMode: 'ENABLED' } as const) : {};
    const answer = await s3.client.send(new HeadObjectCommand({ ...where, ...mode }));
    const { ContentLength: bytes, ChecksumCRC64NVME, ChecksumCRC32, ETag = '' } = answer;
    const checksum = fromBase64(CRC64.name, ChecksumCRC64NVME) ?? fromBase64(CRC32.name, ChecksumCRC32);
    return { bytes, checksum, etag: plainEtag(ETag) };
  };
  try {
    return await head().catch(async (error: unknown) => {
      if (!isUnknownToService(error)) throw error;
      // The response to HEAD has no error code. GET has one, and may refresh expired credentials.
      if (answerOf(error).$metadata?.httpStatusCode === 400)
        await s3.client.send(new GetObjectCommand({ ...where, Range: 'bytes=0-0' })).catch((told: unknown) => {
          if (answerOf(told).name !== 'InvalidRange') throw told; // an empty object
        });
      return head().catch((again: unknown) => {
        if (!isUnknownToService(again)) throw again;
        s3.service.tellsChecksums = false;
        return head();
      });
    });
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Removes the quotes, which services write or not. */
export function plainEtag(etag: string): string {
  return etag.replaceAll('"', '').toLowerCase();
}

/** Converts base64 of S3 to the format of the catalog. @returns undefined for a checksum of checksums ("...-3") */
function fromBase64(name: string, checksum: string | undefined): string | undefined {
  if (checksum === undefined || checksum.includes('-')) return undefined;
  return `${name}:${Buffer.from(checksum, 'base64').toString('hex')}`;
}
