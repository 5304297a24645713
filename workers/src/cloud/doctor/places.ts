import { randomUUID } from 'node:crypto';
import { openS3, type S3Bucket } from '../../s3/client.ts';
import { listFolder, listObjects, removeObjects } from '../../s3/objects.ts';
import { answerOf } from '../../s3/s3-errors.ts';
import { check } from './check.ts';
import { type Finding, failed, ok } from './finding.ts';

/** What is to be done with a place on S3. */
export type Use = 'write' | 'database' | 'read';

/** Whether a place on S3 is in the region, and can be used as it will be. @param uri undefined where it was not given */
export function checkPlace(name: string, uri: string | undefined, use: Use, region: string): Promise<Finding[]> {
  return check(name, async () => {
    if (uri === undefined)
      return failed(name, 'is not given', `Name it: ${use === 'write' ? '--work-dir' : name} s3://...`);
    const s3 = await openS3(uri);
    const elsewhere = await regionProblem(name, s3, region);
    if (elsewhere) return elsewhere;
    if (use === 'write') return tryToWrite(name, s3);
    return use === 'database' ? readCatalog(name, s3) : findObjects(name, s3);
  });
}

async function regionProblem(name: string, s3: S3Bucket, region: string): Promise<Finding | undefined> {
  const { HeadBucketCommand } = await import('@aws-sdk/client-s3');
  const { bucket } = s3.location;
  const answer = await s3.client.send(new HeadBucketCommand({ Bucket: bucket })).catch((error: Error) => {
    if (error.name === 'NotFound') return undefined;
    // Who may list a part of a bucket only is refused here, where no part is named. S3 tells the region nevertheless.
    const { $metadata, $response } = answerOf(error);
    const BucketRegion = $response?.headers?.['x-amz-bucket-region'];
    if ($metadata?.httpStatusCode === 403) return BucketRegion === undefined ? {} : { BucketRegion };
    throw error;
  });
  if (!answer)
    return failed(name, `there is no bucket ${bucket}`, `Check its name, or make it: aws s3 mb s3://${bucket}`);
  const { BucketRegion }: { BucketRegion?: string | undefined } = answer;
  return BucketRegion === undefined || BucketRegion === region
    ? undefined
    : failed(
        name,
        `${bucket} is in ${BucketRegion}, the queues are in ${region}`,
        `Use a bucket and queues of one region (aws_region): traffic between regions is slow and costs.`,
      );
}

async function tryToWrite(name: string, s3: S3Bucket): Promise<Finding> {
  const { PutObjectCommand } = await import('@aws-sdk/client-s3');
  const probe = `.lanceflow-doctor-${randomUUID()}`;
  await s3.client.send(new PutObjectCommand({ Bucket: s3.location.bucket, Key: s3.key(probe), Body: 'doctor' }));
  await removeObjects(s3, [probe]);
  return ok(name, `${s3.uri} can be written`);
}

async function readCatalog(name: string, s3: S3Bucket): Promise<Finding> {
  const entries = await listFolder(s3, '_catalog');
  return ok(name, `${s3.uri} can be read; ${entries.length === 0 ? 'no buckets yet' : `${entries.length} buckets`}`);
}

/** Whether there is anything below a place: a file, or the beginning of names as a glob has it. */
async function findObjects(name: string, s3: S3Bucket): Promise<Finding> {
  for await (const _ of listObjects({ ...s3, key: () => s3.location.prefix }, ''))
    return ok(name, `${s3.uri} can be read`);
  return failed(name, `there is nothing at ${s3.uri}`, 'Check the address.');
}
