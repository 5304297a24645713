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
  const { AbortMultipartUploadCommand } = await import('@aws-sdk/client-s3');
  let count = 0;
  for await (const { path, uploadId: UploadId } of openUploads(s3, prefix)) {
    const command = new AbortMultipartUploadCommand({ Bucket: s3.location.bucket, Key: s3.key(path), UploadId });
    await s3.client.send(command).catch((error: unknown) => {
      // Another process has ended it.
      if (!isAbsent(error)) throw error;
    });
    count++;
  }
  return count;
}
