import { createHash } from 'node:crypto';
import { UsageError } from '../../base/errors.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { listFolder, removeObject } from '../../s3/objects.ts';
import { isAbsent, isConflict } from '../../s3/s3-errors.ts';
import type { ObjectStore } from '../object-store.ts';

/** An object's text as it was when it had this ETag. */
export interface Tagged {
  text: string;
  etag: string;
}

/** The ETag of no object. */
const NO_ETAG = '"00000000000000000000000000000000"';

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
    const Body = Buffer.from(text);
    // Known to every service; S3 makes an object's CRC-64 by itself.
    const ContentMD5 = createHash('md5').update(Body).digest('base64');
    const command = new PutObjectCommand({ ...where(key), Body, ContentMD5, ContentType, ...condition });
    const { ETag } = await s3.client.send(command);
    return ETag ?? '';
  }

  const putIf = (key: string, text: string, condition: { IfMatch?: string; IfNoneMatch?: string }) =>
    put(key, text, condition).catch(ifConflict);

  /**
   * Finds out whether the service heeds conditions: right after an object was made, it must refuse to make it again, and to
   * replace it in another version. Asked twice, because somebody else may remove the object in between.
   * @throws UsageError, after removing the object, where it does not
   */
  async function requireConditions(key: string, text: string): Promise<void> {
    for (const condition of [{ IfNoneMatch: '*' }, { IfMatch: NO_ETAG }]) {
      const accepted = async () => (await putIf(key, text, condition)) !== undefined;
      if (!((await accepted()) && (await accepted()))) continue;
      await removeObject(s3, key);
      throw new UsageError(
        `${s3.uri}: ${s3.endpoint} accepts conditional writes (${Object.keys(condition)}) whose condition does not hold, so two builds would ` +
          'write to one bucket at once. Databases there can be searched. To build, use a folder or another service (docs/aws.md ' +
          'lists some), and copy the database.',
      );
    }
    s3.service.heedsConditions = true;
  }

  async function putChecked(key: string, text: string, condition: { IfMatch?: string; IfNoneMatch?: string }) {
    const etag = await putIf(key, text, condition);
    if (etag !== undefined && !s3.service.heedsConditions) await requireConditions(key, text);
    return etag;
  }

  const store: S3Store = {
    list: async (folder) => (await listFolder(s3, folder)).sort(),
    read: async (key) => (await store.readTagged(key))?.text,
    async write(key, text) {
      await put(key, text, {});
    },
    create: async (key, text) => (await store.createTagged(key, text)) !== undefined,
    remove: (key) => removeObject(s3, key),
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
    createTagged: (key, text) => putChecked(key, text, { IfNoneMatch: '*' }),
    replaceTagged: (key, text, etag) => putChecked(key, text, { IfMatch: etag }),
  };
  return store;
}

function ifConflict(error: unknown): undefined {
  // An object that is gone has another ETag than any.
  if (isConflict(error) || isAbsent(error)) return undefined;
  throw error;
}
