import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { TransientError, UsageError, UserError } from '../../workers/src/base/errors.ts';
import { s3Locks } from '../../workers/src/database/s3/lease.ts';
import { s3Store } from '../../workers/src/database/s3/s3-store.ts';
import { openS3 } from '../../workers/src/s3/client.ts';
import { removeObjects } from '../../workers/src/s3/objects.ts';
import { readRange } from '../../workers/src/s3/ranges/range.ts';
import { downloadFiles } from '../../workers/src/s3/transfer/download.ts';
import { uploadFiles } from '../../workers/src/s3/transfer/upload.ts';
import type { Seen } from '../support/fault-proxy.ts';
import { sharedFolder } from '../support/run.ts';
import { missingServer, useS3, withFaultProxy } from '../support/s3.ts';
import { objectsOf } from '../support/s3-database.ts';
import { IMITATIONS } from '../support/s3-services.ts';
import { makeFiles } from './support/files.ts';

const MIB = 2 ** 20;
const skip = missingServer('moto');
const unexpected = (error: Error) => {
  throw error;
};
const isPut = ({ method, url }: Seen) => method === 'PUT' && url.includes('.lance');

describe('services other than Amazon S3', () => {
  const held = skip ? undefined : withFaultProxy('moto');
  let folder: string;
  let files: Awaited<ReturnType<typeof makeFiles>>;
  beforeAll(async () => {
    folder = await sharedFolder();
    files = await makeFiles(folder, [1000, 17 * MIB + 5, 0]);
  });

  async function open(name: string) {
    useS3({ ...held!.proxy.env, LANCEFLOW_S3_GIVE_UP_MS: '1500' });
    return openS3(`s3://lance/${name.replaceAll(/\W/g, '-')}`);
  }

  test.skipIf(skip).each(IMITATIONS)('$name: files arrive checked; builds are locked or refused', async (service) => {
    const s3 = await open(service.name);
    held!.proxy.rule = service.rule;
    const sent = await uploadFiles(s3, files);
    expect(sent).toEqual(files.map(({ key, bytes, checksum }) => ({ key, bytes, checksum, sent: true })));
    expect(s3.service.checksCrc64).toBe(service.crc64);
    if (!service.crc64) {
      // What arrived in the end had Content-MD5, and no object was read again: ETags are enough.
      const last = held!.proxy.seen.filter(isPut).at(-1)!;
      expect(last.headers['content-md5']).toBeDefined();
      expect(held!.proxy.seen.filter(({ headers: { range } }) => range !== undefined && range !== 'bytes=0-0')).toEqual(
        [],
      );
    }
    const wanted = files.map((file) => ({ ...file, path: join(folder, service.name, file.key) }));
    await downloadFiles(s3, wanted);
    for (const [i, { path }] of wanted.entries())
      expect((await readFile(path)).equals(await readFile(files[i]!.path))).toBe(true);

    // A second run finds them there, by checksum or by ETag.
    const before = held!.proxy.seen.length;
    expect((await uploadFiles(s3, files)).map((file) => file.sent)).toEqual(files.map(() => false));
    expect(held!.proxy.seen.slice(before).filter(isPut)).toEqual([]);

    const acquired = s3Locks(s3Store(s3)).acquire('bucket_00001', unexpected);
    if (service.build === true) {
      await (await acquired)();
      expect(await s3Store(s3).create('_pending/b.json', '{}')).toBe(true);
      expect(await s3Store(s3).create('_pending/b.json', '{}')).toBe(false);
    } else {
      await expect(acquired).rejects.toThrow(service.build);
      await expect(acquired).rejects.toBeInstanceOf(UsageError);
      await expect(acquired).rejects.toThrow(/http:\/\/127.*Databases there can be searched. To build, use/);
      // Asked once: it will not know more a minute later.
      expect(held!.proxy.seen.filter(({ url }) => url.includes('.lock')).length).toBeLessThan(8);
    }
    await removeObjects(s3, [...(await objectsOf(s3)).keys()]);
    expect(await objectsOf(s3)).toEqual(new Map());
  });

  it.skipIf(skip)('threads send every file with the check that the service showed for the first', async () => {
    const s3 = await open('threads');
    held!.proxy.rule = () => ({ ignores: /^x-amz-(sdk-)?checksum-/ });
    await uploadFiles(s3, files, { threads: 2 });
    expect(s3.service.checksCrc64).toBe(false);
    const unchecked = held!.proxy.seen.filter(isPut).filter(({ headers }) => headers['content-md5'] === undefined);
    expect(unchecked.length).toBe(1);
  });

  it.skipIf(skip)(
    'what another tool or a build like this one sent there is known by its ETag, a changed file is sent',
    async () => {
      const s3 = await open('etags');
      held!.proxy.rule = () => ({ ignores: /^x-amz-(sdk-)?checksum-/ });
      await uploadFiles(s3, files);
      const [small, large] = files;
      const swapped = [
        { ...small!, path: large!.path },
        { ...large!, path: small!.path },
      ].map(({ key, path }) => ({ key, path }));
      expect((await uploadFiles(s3, swapped)).map(({ sent }) => sent)).toEqual([true, true]);
    },
  );

  it.skipIf(skip)('content that a service keeps damaged is noticed, whatever its ETag says', async () => {
    const s3 = await open('damaged');
    const ignores = /^x-amz-(sdk-)?checksum-|^content-md5$/;
    held!.proxy.rule = (seen) => (isPut(seen) ? { ignores, flipRequestAt: 100 } : { ignores });
    for (const file of files.slice(0, 2)) {
      const attempt = uploadFiles(s3, [file]);
      await expect(attempt).rejects.toThrow(/keeps another content than was sent/);
      await expect(attempt).rejects.toBeInstanceOf(TransientError);
    }
  });

  it.skipIf(skip)('an ETag that is no MD5, as of an encrypted object, makes the object be read again', async () => {
    const s3 = await open('encrypted');
    const answer = { etag: '"0123456789abcdef0123456789abcdef"' };
    held!.proxy.rule = (seen) => ({ ignores: /^x-amz-(sdk-)?checksum-/, ...(isPut(seen) ? { answer } : {}) });
    const [sent] = await uploadFiles(s3, files.slice(0, 1));
    expect(sent).toEqual({ key: files[0]!.key, bytes: 1000, checksum: files[0]!.checksum, sent: true });
    expect(held!.proxy.seen.filter(({ method }) => method === 'GET').length).toBe(1);
  });

  it.skipIf(skip)('a refusal that no other request helps is one message that names the service', async () => {
    const s3 = await open('refused');
    held!.proxy.rule = (seen) => (isPut(seen) ? { status: 400, code: 'InvalidRequest' } : undefined);
    const attempt = uploadFiles(s3, files.slice(0, 1));
    await expect(attempt).rejects.toThrow(
      /^PutObject s3:.*: http:.* does not know this request, or a header of it \(400/,
    );
    await expect(attempt).rejects.toBeInstanceOf(UserError);
    held!.proxy.rule = () => ({ status: 501, code: 'NotImplemented' });
    await expect(s3Store(s3).list('_catalog')).rejects.toBeInstanceOf(UsageError);
  });

  it.skipIf(skip)(
    'a service or proxy that sends whole objects instead of ranges is named, and its bytes are not used',
    async () => {
      const s3 = await open('whole');
      await uploadFiles(s3, files);
      held!.proxy.rule = () => ({ ignores: /^range$/ });
      const { key, bytes, path } = files[1]!;
      const into = new Uint8Array(1000);
      for (const offset of [0, 5]) {
        const attempt = readRange(s3, key, offset, into.length, into);
        await expect(attempt).rejects.toThrow(/^GetObject s3:.*\.lance: http:.* sends whole objects instead of ranges/);
        await expect(attempt).rejects.toBeInstanceOf(UsageError);
      }
      expect(into).toEqual(new Uint8Array(1000));
      const whole = new Uint8Array(bytes);
      await readRange(s3, key, 0, bytes, whole);
      expect((await readFile(path)).equals(whole)).toBe(true);
    },
  );

  it.skipIf(skip)('every request says who pays, every new object with which key it is encrypted', async () => {
    const key = 'arn:aws:kms:us-east-1:123456789012:key/0a1b';
    useS3({ ...held!.proxy.env, LANCEFLOW_S3_REQUESTER_PAYS: 'true', LANCEFLOW_S3_KMS_KEY: key });
    const s3 = await openS3('s3://lance/paid');
    await uploadFiles(s3, files);
    await downloadFiles(
      s3,
      files.map((file) => ({ ...file, path: join(folder, 'paid', file.key) })),
    );
    await (await s3Locks(s3Store(s3)).acquire('bucket_00001', unexpected))();
    await removeObjects(s3, [...(await objectsOf(s3)).keys()]);
    expect(held!.proxy.seen.filter(({ headers }) => headers['x-amz-request-payer'] !== 'requester')).toEqual([]);
    const encrypted = held!.proxy.seen.filter(({ headers }) => headers['x-amz-server-side-encryption'] === 'aws:kms');
    const makes = ({ method, url }: Seen) =>
      (method === 'PUT' && !url.includes('partNumber')) || (method === 'POST' && url.includes('uploads'));
    expect(encrypted.length).toBeGreaterThan(4);
    expect(encrypted).toEqual(held!.proxy.seen.filter(makes));
    expect(encrypted.every(({ headers }) => headers['x-amz-server-side-encryption-aws-kms-key-id'] === key)).toBe(true);
    for (const { headers } of encrypted)
      expect(headers.authorization).toMatch(/x-amz-request-payer;.*x-amz-server-side-encryption;/);
  });
});
