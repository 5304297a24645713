import { mapConcurrently } from '../base/concurrency/map-concurrently.ts';
import { DataError } from '../base/errors.ts';
import type { S3Bucket } from './client.ts';
import { isAbsent, isUnknownToService } from './s3-errors.ts';

/** An object below a location. */
export interface S3Object {
  /** Its key below the location. */
  path: string;
  bytes: number;
  etag: string;
  modified: Date;
}

/** Lists all objects whose path begins with `prefix`, in the order of their keys. */
export async function* listObjects(s3: S3Bucket, prefix: string): AsyncGenerator<S3Object> {
  const { paginateListObjectsV2 } = await import('@aws-sdk/client-s3');
  const root = s3.key('').length;
  const pages = paginateListObjectsV2({ client: s3.client }, { Bucket: s3.location.bucket, Prefix: s3.key(prefix) });
  for await (const { Contents = [] } of pages)
    for (const { Key = '', Size = 0, ETag = '', LastModified } of Contents)
      yield { path: Key.slice(root), bytes: Size, etag: ETag, modified: LastModified ?? new Date(0) };
}

/** Lists the names of the objects directly in a folder. */
export async function listFolder(s3: S3Bucket, folder: string): Promise<string[]> {
  return (await listLevel(s3, folder)).objects;
}

/** Lists the names of the folders directly in a folder (`''`: the location itself). */
export async function listSubfolders(s3: S3Bucket, folder: string): Promise<string[]> {
  return (await listLevel(s3, folder)).folders;
}

async function listLevel(s3: S3Bucket, folder: string) {
  const { paginateListObjectsV2 } = await import('@aws-sdk/client-s3');
  const Prefix = folder === '' ? s3.key('') : `${s3.key(folder)}/`;
  const objects: string[] = [];
  const folders: string[] = [];
  const input = { Bucket: s3.location.bucket, Prefix, Delimiter: '/' };
  for await (const page of paginateListObjectsV2({ client: s3.client }, input)) {
    // The marker of a folder, which some tools write, has an empty name.
    for (const { Key = '' } of page.Contents ?? []) if (Key !== Prefix) objects.push(Key.slice(Prefix.length));
    for (const each of page.CommonPrefixes ?? []) folders.push((each.Prefix ?? '').slice(Prefix.length, -1));
  }
  return { objects, folders };
}

const OBJECTS_PER_REQUEST = 1000;
const CONCURRENT_REQUESTS = 16;

/** Removes objects by their paths, and ignores absent ones; one by one where the service does not support more. */
export async function removeObjects(s3: S3Bucket, paths: readonly string[]): Promise<void> {
  if (s3.service.removesMany)
    try {
      await removeMany(s3, paths);
      return;
    } catch (error) {
      if (!isUnknownToService(error)) throw error;
      s3.service.removesMany = false;
    }
  await mapConcurrently(paths, CONCURRENT_REQUESTS, (path) => removeObject(s3, path));
}

/** Removes an object, if it exists. */
export async function removeObject(s3: S3Bucket, path: string): Promise<void> {
  const { DeleteObjectCommand } = await import('@aws-sdk/client-s3');
  await s3.client.send(new DeleteObjectCommand({ Bucket: s3.location.bucket, Key: s3.key(path) })).catch((error) => {
    // Amazon S3 answers 204, others 404.
    if (!isAbsent(error)) throw error;
  });
}

async function removeMany(s3: S3Bucket, paths: readonly string[]): Promise<void> {
  const { DeleteObjectsCommand } = await import('@aws-sdk/client-s3');
  for (let start = 0; start < paths.length; start += OBJECTS_PER_REQUEST) {
    const Objects = paths.slice(start, start + OBJECTS_PER_REQUEST).map((path) => ({ Key: s3.key(path) }));
    const command = new DeleteObjectsCommand({ Bucket: s3.location.bucket, Delete: { Objects, Quiet: true } });
    const { Errors = [] } = await s3.client.send(command);
    const failed = Errors.find(({ Code }) => Code !== 'NoSuchKey');
    if (failed)
      throw new DataError(
        `s3://${s3.location.bucket}/${failed.Key}: cannot be removed (${failed.Code}: ${failed.Message}).`,
      );
  }
}
