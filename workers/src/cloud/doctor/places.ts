import { randomUUID } from 'node:crypto';
import { openS3, type S3Bucket } from '../../s3/client.ts';
import { listFolder, listObjects, removeObjects } from '../../s3/objects.ts';
import { answerOf } from '../../s3/s3-errors.ts';
import { FOUND, REMEDY } from '../cloud-messages.ts';
import { check } from './check.ts';
import { type Finding, failed, ok } from './finding.ts';

/** How a campaign uses a place on S3. */
export type Use = 'write' | 'database' | 'read';

/** Checks that a place on S3 is in the region, and that the campaign can use it as intended. @param uri undefined if it is not set */
export function checkPlace(name: string, uri: string | undefined, use: Use, region: string): Promise<Finding[]> {
  return check(name, async () => {
    if (uri === undefined) return failed(name, FOUND.notGiven, REMEDY.namePlace(use === 'write' ? '--work-dir' : name));
    const s3 = await openS3(uri);
    const problem = await regionProblem(name, s3, region);
    if (problem) return problem;
    if (use === 'write') return tryToWrite(name, s3);
    return use === 'database' ? readCatalog(name, s3) : findObjects(name, s3);
  });
}

async function regionProblem(name: string, s3: S3Bucket, region: string): Promise<Finding | undefined> {
  const { HeadBucketCommand } = await import('@aws-sdk/client-s3');
  const { bucket } = s3.location;
  const answer = await s3.client.send(new HeadBucketCommand({ Bucket: bucket })).catch((error: Error) => {
    if (error.name === 'NotFound') return undefined;
    // A role that may list a part of the bucket only is denied this request, but the answer has the region.
    const { $metadata, $response } = answerOf(error);
    const BucketRegion = $response?.headers?.['x-amz-bucket-region'];
    if ($metadata?.httpStatusCode === 403) return BucketRegion === undefined ? {} : { BucketRegion };
    throw error;
  });
  if (!answer) return failed(name, FOUND.noBucket(bucket), REMEDY.makeBucket(bucket));
  const { BucketRegion }: { BucketRegion?: string | undefined } = answer;
  return BucketRegion === undefined || BucketRegion === region
    ? undefined
    : failed(name, FOUND.otherRegion(bucket, BucketRegion, region), REMEDY.oneRegion);
}

async function tryToWrite(name: string, s3: S3Bucket): Promise<Finding> {
  const { PutObjectCommand } = await import('@aws-sdk/client-s3');
  const probe = `.lanceflow-doctor-${randomUUID()}`;
  await s3.client.send(new PutObjectCommand({ Bucket: s3.location.bucket, Key: s3.key(probe), Body: 'doctor' }));
  await removeObjects(s3, [probe]);
  return ok(name, FOUND.writable(s3.uri));
}

async function readCatalog(name: string, s3: S3Bucket): Promise<Finding> {
  const entries = await listFolder(s3, '_catalog');
  return ok(name, FOUND.readableDatabase(s3.uri, entries.length));
}

/** Checks that an object's key begins with the address, which is a file, a folder, or the beginning of a glob. */
async function findObjects(name: string, s3: S3Bucket): Promise<Finding> {
  for await (const _ of listObjects({ ...s3, key: () => s3.location.prefix }, ''))
    return ok(name, FOUND.readable(s3.uri));
  return failed(name, FOUND.nothingAt(s3.uri), REMEDY.address);
}
