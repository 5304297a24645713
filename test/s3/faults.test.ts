// @module-tag slow

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { s3Usage } from '../../workers/src/app/usage.ts';
import { DataError, TransientError, UsageError, type UserError } from '../../workers/src/base/errors.ts';
import { s3Reader } from '../../workers/src/database/s3/s3-reader.ts';
import { s3Store } from '../../workers/src/database/s3/s3-store.ts';
import { openS3, type S3Bucket } from '../../workers/src/s3/client.ts';
import { readRange } from '../../workers/src/s3/ranges/range.ts';
import { downloadFiles } from '../../workers/src/s3/transfer/download.ts';
import { uploadFiles } from '../../workers/src/s3/transfer/upload.ts';
import { every, type Fault, first, type Seen } from '../support/fault-proxy.ts';
import { sharedFolder, temporaryFolder } from '../support/run.ts';
import { missingServer, useS3, withFaultProxy } from '../support/s3.ts';
import { makeFiles } from './support/files.ts';

const MIB = 2 ** 20;
/** The second is sent in parts. */
const SIZES = [1000, 33 * MIB + 5, 100, 200, 300, 400, 500];
const skip = missingServer('versitygw') || missingServer('moto');

const isGet = ({ method, url }: Seen) => method === 'GET' && url.includes('.lance');
const isLargeGet = (seen: Seen) => isGet(seen) && seen.url.includes('/1.lance');
const isPut = ({ method, url }: Seen) => method === 'PUT' && url.includes('.lance');
const isFirstPut = (seen: Seen) => isPut(seen) && seen.url.includes('/0.lance');
const isSecondPart = (seen: Seen) => isPut(seen) && seen.url.includes('partNumber=2');
const any = () => true;

/** What S3 answers to what it refuses. */
const refusal = (status: number, code: string, more: object = {}): Fault => ({ status, code, ...more });

describe('faults on the wire', () => {
  const held = skip ? undefined : withFaultProxy('versitygw');

  async function open(): Promise<S3Bucket> {
    // A real stall is ten seconds.
    useS3({ ...held!.proxy.env, LANCEFLOW_S3_STALL_MS: '600' });
    return openS3('s3://lance/faults');
  }

  describe('that pass: everything goes through, and is right', () => {
    const passing: [string, () => (seen: Seen) => Fault | undefined][] = [
      ['500 on a tenth of requests', () => every(10, any, refusal(500, 'InternalError'))],
      ['503 SlowDown on a tenth of requests', () => every(10, any, refusal(503, 'SlowDown'))],
      ['a body cut in its middle', () => first(3, isLargeGet, { cutAfter: 5 * MIB })],
      ['a body cut at its first byte', () => first(2, isLargeGet, { cutAfter: 0 })],
      ['a part cut while it is sent', () => first(2, isFirstPut, { cutRequestAfter: 500 })],
      ['a stall before the answer', () => first(1, isLargeGet, { noAnswer: true })],
      ['a stall in the middle of a body', () => first(2, isLargeGet, { stallAfter: 3 * MIB })],
      ['a stall while a part is sent', () => first(1, isSecondPart, { noAnswer: true })],
      ['a wrong byte on the way there', () => first(1, isSecondPart, { flipRequestAt: MIB / 2 })],
      ['a wrong byte in a small file on the way there', () => first(1, isFirstPut, { flipRequestAt: 100 })],
      ['a wrong byte on the way back', () => first(1, isLargeGet, { flipAt: 700 })],
    ];

    let files: Awaited<ReturnType<typeof makeFiles>>;
    beforeAll(async () => {
      files = await makeFiles(await sharedFolder(), SIZES);
    });

    test.skipIf(skip).each(passing)('%s', async (_name, rule) => {
      const s3 = await open();
      const folder = await temporaryFolder();
      const retries = s3Usage().retries;
      held!.proxy.rule = rule();
      const sent = await uploadFiles(s3, files);
      expect(sent.map((file) => file.checksum)).toEqual(files.map((file) => file.checksum));
      const wanted = files.map((file) => ({ ...file, path: join(folder, 'back', file.key) }));
      await downloadFiles(s3, wanted);
      for (const [i, { path }] of wanted.entries())
        expect((await readFile(path)).equals(await readFile(files[i]!.path))).toBe(true);
      const into = new Uint8Array(6 * MIB);
      await readRange(s3, files[1]!.key, MIB, into.length, into);
      expect((await readFile(files[1]!.path)).subarray(MIB, MIB + into.length).equals(into)).toBe(true);
      expect(s3Usage().retries).toBeGreaterThan(retries);
      // Nothing of it stays on S3 for the next test.
      for (const { key } of files) await s3Store(s3).remove(key);
    });
  });

  it.skipIf(skip)('a service that is silent while it puts parts together is waited for', async () => {
    const s3 = await open();
    const [file] = await makeFiles(await temporaryFolder(), [33 * MIB]);
    const isCompletion = ({ method, url }: Seen) => method === 'POST' && url.includes('uploadId=');
    held!.proxy.rule = (seen) => (isCompletion(seen) ? { delayMs: 1200 } : undefined);
    await uploadFiles(s3, [{ ...file!, key: 'late.lance' }]);
    expect(held!.proxy.seen.filter(isCompletion).length).toBe(1);
  });

  describe('that last: one clear error', () => {
    async function fails(use: (s3: S3Bucket) => Promise<unknown>, kind: unknown, ...messages: RegExp[]) {
      const error = await use(await open()).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(kind);
      const { message } = error as UserError;
      expect(message).not.toContain('\n');
      for (const each of messages) expect(message).toMatch(each);
    }
    const read = (s3: S3Bucket) => s3Store(s3).read('_catalog/b.json');

    it.skipIf(skip)('access denied', async () => {
      held!.proxy.rule = () => refusal(403, 'AccessDenied');
      await fails(
        read,
        DataError,
        /^GetObject s3:\/\/lance\/faults\/_catalog\/b.json: access denied, or no such object: .*Check the name/,
      );
      await fails((s3) => s3Store(s3).list('_catalog'), DataError, /^ListObjectsV2 s3:\/\/lance.*access denied/);
      const files = await makeFiles(await temporaryFolder(), [1000]);
      await fails((s3) => uploadFiles(s3, files), DataError, /^HeadObject s3:.*access denied/);
      // Not as if it were not there.
      await fails((s3) => s3Reader(s3).size('_partitions/x.arrow'), DataError, /^HeadObject s3:.*access denied/);
      await fails((s3) => s3Reader(s3).sizes('bucket_00001'), DataError, /^ListObjectsV2 s3:.*access denied/);
      expect(held!.proxy.seen.length).toBe(5);
    });

    it.skipIf(skip)('wrong keys', async () => {
      useS3(held!.proxy.env);
      useS3({ AWS_SECRET_ACCESS_KEY: 'wrong' });
      const s3 = await openS3('s3://lance/faults');
      await expect(read(s3)).rejects.toThrow(/does not know these credentials \(SignatureDoesNotMatch\)/);
      await expect(read(s3)).rejects.toBeInstanceOf(UsageError);
    });

    it.skipIf(skip)('no keys', async () => {
      useS3({ ...held!.proxy.env, AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined });
      const s3 = await openS3('s3://lance/faults');
      await expect(read(s3)).rejects.toThrow(/no AWS credentials .*Set AWS_PROFILE/);
    });

    it.skipIf(skip)('a missing bucket', async () => {
      useS3(held!.proxy.env);
      const s3 = await openS3('s3://no-such-bucket/db');
      const files = await makeFiles(await temporaryFolder(), [1000, 9 * MIB]);
      for (const use of [
        () => read(s3),
        () => s3Store(s3).list('_catalog'),
        () => s3Store(s3).write('x', 'y'),
        () => uploadFiles(s3, files),
      ]) {
        const error = await use().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(DataError);
        expect((error as Error).message).toMatch(/s3:\/\/no-such-bucket.*: there is no such bucket at http:\/\/127/);
      }
    });

    it.skipIf(skip)('a service of another region', async () => {
      useS3({ ...held!.proxy.env, AWS_REGION: 'ap-south-1' });
      const s3 = await openS3('s3://lance/faults');
      const files = await makeFiles(await temporaryFolder(), [1000]);
      for (const use of [() => read(s3), () => s3Store(s3).write('x', 'y'), () => uploadFiles(s3, files)]) {
        const error = await use().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(UsageError);
        expect((error as Error).message).toMatch(/the bucket is in region us-east-1. Set AWS_REGION=us-east-1/);
      }
    });

    it.skipIf(skip)('a bucket in another region', async () => {
      const headers = { 'x-amz-bucket-region': 'eu-west-3' };
      held!.proxy.rule = () => refusal(301, 'PermanentRedirect', { headers });
      await fails(read, UsageError, /in region eu-west-3. Set AWS_REGION=eu-west-3/);
      held!.proxy.rule = () => refusal(400, 'AuthorizationHeaderMalformed', { fields: { Region: 'eu-west-3' } });
      await fails(read, UsageError, /in region eu-west-3. Set AWS_REGION=eu-west-3/);
    });

    it.skipIf(skip)('a wrong clock', async () => {
      held!.proxy.rule = () => refusal(403, 'RequestTimeTooSkewed');
      await fails(read, TransientError, /refuses this machine's time .* Set the clock/);
    });

    it.skipIf(skip)('a session that has expired', async () => {
      held!.proxy.rule = () => refusal(400, 'ExpiredToken');
      await fails(read, TransientError, /the session token has expired, and no newer one/);
    });

    it.skipIf(skip)('an object that is damaged each time', async () => {
      const folder = await temporaryFolder();
      const [file] = await makeFiles(folder, [17 * MIB]);
      await uploadFiles(await open(), [file!]);
      held!.proxy.rule = (seen) => (isGet(seen) ? { flipAt: 1000 } : undefined);
      const wanted = { ...file!, path: join(folder, 'back/x') };
      await fails((s3) => downloadFiles(s3, [wanted]), DataError, /0.lance: damaged: .*it was fetched twice/);
      expect(held!.proxy.seen.filter(isGet).length).toBe(4);
      expect(await readdir(join(folder, 'back'))).toEqual([]);
    });

    it.skipIf(skip)('a file that arrives damaged each time', async () => {
      const files = await makeFiles(await temporaryFolder(), [2000]);
      held!.proxy.rule = (seen) => (isPut(seen) ? { flipRequestAt: 1000 } : undefined);
      useS3({ LANCEFLOW_S3_GIVE_UP_MS: '1500' });
      await fails((s3) => uploadFiles(s3, files), TransientError, /^PutObject .*what arrived was damaged/);
    });

    const lasting: [string, Fault, RegExp][] = [
      ['500', refusal(500, 'InternalError'), /S3 failed \d attempts \(500 InternalError\)/],
      ['503 SlowDown', refusal(503, 'SlowDown'), /asks to slow down, and still did after \d attempts/],
      ['a stall', { noAnswer: true }, /no answer from http:\/\/127.0.0.1:\d+, \d attempts/],
      ['bodies that never come', { stallAfter: 0 }, /no answer from http:\/\/127.0.0.1:\d+, \d attempts/],
      ['bodies that are cut at once', { cutAfter: 0 }, /127.0.0.1:\d+ cannot be reached/],
    ];

    test.skipIf(skip).each(lasting)('%s, given up', async (_name, fault, message) => {
      const [file] = await makeFiles(await temporaryFolder(), [2000]);
      await uploadFiles(await open(), [file!]);
      useS3({ LANCEFLOW_S3_GIVE_UP_MS: '2500' });
      held!.proxy.rule = (seen) => (isGet(seen) ? fault : undefined);
      await fails((s3) => readRange(s3, file!.key, 0, 100, new Uint8Array(100)), TransientError, message);
      // A wait for a service that asks to slow down is random, and the second may be too long for the limit.
      expect(held!.proxy.seen.filter(isGet).length).toBeGreaterThan(1);
    });

    it.skipIf(skip)('a service that cannot be reached', async () => {
      useS3({ ...held!.proxy.env, AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1', LANCEFLOW_S3_GIVE_UP_MS: '1500' });
      const s3 = await openS3('s3://lance/faults');
      await expect(read(s3)).rejects.toThrow(/http:\/\/127.0.0.1:1 cannot be reached \(ECONNREFUSED\)/);
      await expect(read(s3)).rejects.toBeInstanceOf(TransientError);
    });
  });
});
