import type { ObjectStore } from '../store.ts';
import type { S3Bucket } from './client.ts';
import { isAbsent, isConflict } from './errors.ts';
import { listFolder } from './objects.ts';

/** An object's text as it was when it had this ETag. */
export interface Tagged {
  text: string;
  etag: string;
}

/** Small objects on S3, and what a lock needs: changes that fail where somebody else has changed the object. */
export interface S3Store extends ObjectStore {
  readTagged(key: string): Promise<Tagged | undefined>;
  /** Makes the object unless it is there. @returns its ETag, or undefined where it was there */
  createTagged(key: string, text: string): Promise<string | undefined>;
  /** Replaces the object if its ETag is still this one. @returns the new ETag, or undefined where it was not */
  replaceTagged(key: string, text: string, etag: string): Promise<string | undefined>;
}

/** The objects below a place on S3. */
export function s3Store(s3: S3Bucket): S3Store {
  const where = (key: string) => ({ Bucket: s3.location.bucket, Key: s3.key(key) });

  async function put(key: string, text: string, condition: { IfMatch?: string; IfNoneMatch?: string }) {
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    const ContentType = key.endsWith('.json') ? 'application/json' : 'application/octet-stream';
    const command = new PutObjectCommand({ ...where(key), Body: Buffer.from(text), ContentType, ...condition });
    const { ETag } = await s3.client.send(command);
    return ETag ?? '';
  }

  const store: S3Store = {
    list: async (folder) => (await listFolder(s3, folder)).sort(),
    read: async (key) => (await store.readTagged(key))?.text,
    async write(key, text) {
      await put(key, text, {});
    },
    create: async (key, text) => (await store.createTagged(key, text)) !== undefined,
    async remove(key) {
      const { DeleteObjectCommand } = await import('@aws-sdk/client-s3');
      await s3.client.send(new DeleteObjectCommand(where(key)));
    },
    async readTagged(key) {
      const { GetObjectCommand } = await import('@aws-sdk/client-s3');
      try {
        const { Body, ETag } = await s3.client.send(new GetObjectCommand(where(key)));
        return { text: (await Body?.transformToString()) ?? '', etag: ETag ?? '' };
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    },
    createTagged: (key, text) => put(key, text, { IfNoneMatch: '*' }).catch(ifConflict),
    replaceTagged: (key, text, etag) => put(key, text, { IfMatch: etag }).catch(ifConflict),
  };
  return store;
}

function ifConflict(error: unknown): undefined {
  // An object that is gone has another ETag than any.
  if (isConflict(error) || isAbsent(error)) return undefined;
  throw error;
}
