import { setTimeout as sleep } from 'node:timers/promises';
import type { ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3';
import type { S3Bucket } from '../client.ts';
import { isAbsent } from '../s3-errors.ts';

/** Lists incomplete multipart uploads below a path, of running or killed builds. */
export async function* openUploads(s3: S3Bucket, prefix: string): AsyncGenerator<{ path: string; uploadId: string }> {
  const { ListMultipartUploadsCommand } = await import('@aws-sdk/client-s3');
  const root = s3.key('').length;
  let after: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (after) {
    const page: ListMultipartUploadsCommandOutput = await s3.client.send(
      new ListMultipartUploadsCommand({ Bucket: s3.location.bucket, Prefix: s3.key(prefix), ...after }),
    );
    for (const { Key = '', UploadId = '' } of page.Uploads ?? []) yield { path: Key.slice(root), uploadId: UploadId };
    after = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : undefined;
  }
}

/** Aborts incomplete multipart uploads below a path, which killed builds left. @returns their count */
export async function abortUploads(s3: S3Bucket, prefix: string): Promise<number> {
  let count = 0;
  for await (const { path, uploadId } of openUploads(s3, prefix)) {
    await abortOnce(s3, s3.key(path), uploadId);
    count++;
  }
  return count;
}

/** Requests until an upload is aborted, and the pause between them. */
const MOST_ABORTS = 5;
const PAUSE_MS = 200;

/**
 * Aborts a multipart upload, again while it is listed: a part that arrives late may open it again.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
 */
export async function abortUpload(
  s3: S3Bucket,
  { Key = '', UploadId = '' }: { Key?: string; UploadId?: string },
): Promise<void> {
  const path = Key.slice(s3.key('').length);
  for (let aborts = 1; ; aborts++) {
    await abortOnce(s3, Key, UploadId);
    const open = await Array.fromAsync(openUploads(s3, path));
    if (aborts === MOST_ABORTS || !open.some(({ uploadId }) => uploadId === UploadId)) return;
    await sleep(PAUSE_MS);
  }
}

async function abortOnce(s3: S3Bucket, Key: string, UploadId: string): Promise<void> {
  const { AbortMultipartUploadCommand } = await import('@aws-sdk/client-s3');
  const command = new AbortMultipartUploadCommand({ Bucket: s3.location.bucket, Key, UploadId });
  await s3.client.send(command).catch((error: unknown) => {
    // Another process has ended it.
    if (!isAbsent(error)) throw error;
  });
}
