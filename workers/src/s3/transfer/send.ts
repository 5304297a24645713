import type { WrittenBytes } from '../../base/concurrency/written-bytes.ts';
import { TransientError } from '../../base/errors.ts';
import { formatS3Uri } from '../../base/s3-location.ts';
import type { S3Bucket } from '../client.ts';
import type { CheckName } from '../piece-check.ts';
import { isUnknownToService } from '../s3-errors.ts';
import { checkedClient, UncheckedError, wholeSum } from './checked-client.ts';
import { FileBody } from './file-body.ts';
import type { PieceRequest } from './send-piece.ts';
import type { Transfers } from './transfers.ts';

/** A file to send. */
export interface Source {
  path: string;
  bytes: number;
  /** Of a file that is still being written. */
  written: WrittenBytes | undefined;
  partBytes: number;
  onProgress: (bytes: number) => void;
}

/** The result of sending. */
interface Sent {
  /** CRC-64 of the content. */
  sum: bigint;
  /** Whether the responses confirm that the service has the same content. */
  isConfirmed: boolean;
}

/**
 * Sends a file, in parts if it is large, which any of the threads sends. The service verifies the CRC-64 of each piece and of the whole.
 * One that does not support it verifies MD5, and if its ETags do not confirm that, the object is read again.
 * @param key path below the location
 * @returns CRC-64 of the content
 * @throws TransientError where the file changes meanwhile, or another content arrived
 */
export async function sendFile(s3: S3Bucket, key: string, source: Source, transfers: Transfers): Promise<bigint> {
  const { service } = s3;
  if (service.checksCrc64 !== false) {
    let counted = 0;
    const onProgress = (bytes: number) => {
      counted += bytes;
      source.onProgress(bytes);
    };
    try {
      const { sum } = await upload(s3, key, { ...source, onProgress }, 'crc64', transfers);
      service.checksCrc64 ??= true;
      return sum;
    } catch (error) {
      // If it has verified files before, something else is wrong.
      if (service.checksCrc64 === true || !(error instanceof UncheckedError || isUnknownToService(error))) throw error;
      source.onProgress(-counted);
    }
  }
  const { sum, isConfirmed } = await upload(s3, key, source, 'md5', transfers);
  service.checksCrc64 = false;
  if (!isConfirmed && (await transfers.run('checksumObject', { key, offset: 0, length: source.bytes })) !== sum)
    throw new TransientError(
      `${formatS3Uri(s3.location, key)}: ${s3.endpoint} keeps another content than was sent. Check the network, then run the same ` +
        'command again.',
    );
  return sum;
}

async function upload(
  s3: S3Bucket,
  key: string,
  { path, bytes, written, partBytes, onProgress }: Source,
  check: CheckName,
  transfers: Transfers,
): Promise<Sent> {
  const { Upload } = await import('@aws-sdk/lib-storage');
  // Of many parts in flight, the first failure stops the others.
  const failed = new AbortController();
  const isTrial = check === 'crc64' && s3.service.checksCrc64 !== true;
  const sendPiece = async ({ start, byteLength }: FileBody, target: PieceRequest['target']) => {
    await written?.reach(start + byteLength, AbortSignal.any([transfers.signal, failed.signal]));
    const request = { path, start, bytes: byteLength, partBytes, check, isTrial, target };
    const sent = await transfers.run('sendPiece', request);
    if (sent) onProgress(byteLength);
    return sent;
  };
  const { client, pieces } = await checkedClient(s3, { check, sendPiece, failed, signal: transfers.signal });
  const params = { Bucket: s3.location.bucket, Key: s3.key(key), Body: new FileBody(0, bytes) };
  try {
    await new Upload({ client, params, partSize: partBytes, queueSize: transfers.concurrency }).done();
  } catch (error) {
    throw failed.signal.aborted ? failed.signal.reason : error;
  }
  return { sum: wholeSum(pieces), isConfirmed: pieces.every(({ isConfirmed }) => isConfirmed) };
}
