import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { countRetry } from '../../app/usage.ts';
import { UsageError, UserError } from '../../base/errors.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { listFolder, removeObject } from '../../s3/objects.ts';
import { backoffMs, mayRepeat } from '../../s3/retry.ts';
import { isAbsent, isConflict, toS3UserError } from '../../s3/s3-errors.ts';
import { ignoredCondition } from '../database-messages.ts';
import type { ObjectStore, Tagged } from '../object-store.ts';

type Content = string | Uint8Array;

/** An ETag that no object has. */
const NO_ETAG = '"00000000000000000000000000000000"';

/** Reads and writes small objects on S3; for locks, with writes that fail where another process has changed the object. */
export interface S3Store extends ObjectStore {
  readTagged(key: string): Promise<Tagged | undefined>;
  /** Creates the object unless it exists. @returns its ETag, or undefined where it existed */
  createTagged(key: string, content: string | Uint8Array): Promise<string | undefined>;
  /** Replaces the object if it still has this ETag. @returns the new ETag, or undefined where it had another one */
  replaceTagged(key: string, text: string, etag: string): Promise<string | undefined>;
}

/** Keeps objects below a prefix of S3. */
export function s3Store(s3: S3Bucket): S3Store {
  const where = (key: string) => ({ Bucket: s3.location.bucket, Key: s3.key(key) });

  async function put(key: string, content: Content, condition: { IfMatch?: string; IfNoneMatch?: string }) {
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    const ContentType = key.endsWith('.json') ? 'application/json' : 'application/octet-stream';
    const Body = Buffer.from(content);
    // Every service knows MD5; S3 adds an object's CRC-64 by itself.
    const ContentMD5 = createHash('md5').update(Body).digest('base64');
    const command = new PutObjectCommand({ ...where(key), Body, ContentMD5, ContentType, ...condition });
    const { ETag } = await s3.client.send(command);
    return ETag ?? '';
  }

  const putIf = (key: string, content: Content, condition: { IfMatch?: string; IfNoneMatch?: string }) =>
    put(key, content, condition).catch(ifConflict);

  /**
   * Checks that the service honours conditional writes: right after an object was created, it must refuse to create it again, and to
   * replace another version of it. Each is tried twice, because another process may remove the object in between.
   * @throws UsageError where the service ignores a condition
   */
  async function requireConditions(key: string, content: Content): Promise<void> {
    for (const condition of [{ IfNoneMatch: '*' }, { IfMatch: NO_ETAG }]) {
      const accepted = async () => (await putIf(key, content, condition)) !== undefined;
      if ((await accepted()) && (await accepted()))
        throw new UsageError(ignoredCondition(s3.uri, s3.endpoint, Object.keys(condition).join()));
    }
    s3.service.heedsConditions = true;
  }

  let checking: Promise<void> | undefined;

  /** @throws UsageError, after removing the object, where the service ignores conditions */
  async function putChecked(key: string, content: Content, condition: { IfMatch?: string; IfNoneMatch?: string }) {
    const etag = await putIf(key, content, condition);
    if (etag === undefined || s3.service.heedsConditions) return etag;
    // Objects that are created at the same time wait for one check.
    checking ??= requireConditions(key, content).finally(() => {
      checking = undefined;
    });
    await checking.catch(async (error: unknown) => {
      if (error instanceof UsageError) await removeObject(s3, key);
      throw error;
    });
    return etag;
  }

  async function get(key: string, etag: string | undefined): Promise<Tagged | 'unchanged'> {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    const condition = etag === undefined ? {} : { IfNoneMatch: etag };
    const { Body, ETag = '' } = await s3.client.send(new GetObjectCommand({ ...where(key), ...condition }));
    const text = (await Body?.transformToString()) ?? '';
    // A service that ignores the condition sends the object again.
    return ETag === etag ? 'unchanged' : { text, etag: ETag };
  }

  const store: S3Store = {
    list: async (folder) => (await listFolder(s3, folder)).sort(),
    read: async (key) => (await store.readTagged(key))?.text,
    async write(key, text) {
      await put(key, text, {});
    },
    create: async (key, content) => (await store.createTagged(key, content)) !== undefined,
    remove: (key) => removeObject(s3, key),
    async readTagged(key) {
      const found = await store.readIfChanged(key, undefined);
      return found === 'unchanged' ? undefined : found;
    },
    async readIfChanged(key, etag) {
      for (let attempt = 0, startedMs = performance.now(); ; ) {
        try {
          return await get(key, etag);
        } catch (error) {
          if (isAbsent(error)) return undefined;
          if (etag !== undefined && isConflict(error)) return 'unchanged';
          if (error instanceof UserError) throw error;
          // The SDK repeats requests, but not bodies that are cut or stall.
          const delayMs = backoffMs(++attempt);
          if (!mayRepeat(startedMs, attempt, delayMs))
            throw toS3UserError(error, `GetObject ${s3.uri}/${key}`, s3.endpoint);
          countRetry();
          await sleep(delayMs);
        }
      }
    },
    createTagged: (key, content) => putChecked(key, content, { IfNoneMatch: '*' }),
    replaceTagged: (key, text, etag) => putChecked(key, text, { IfMatch: etag }),
  };
  return store;
}

function ifConflict(error: unknown): undefined {
  // A removed object has no ETag, so it does not meet the condition.
  if (isConflict(error) || isAbsent(error)) return undefined;
  throw error;
}
