import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { s3Usage } from '../../../workers/src/app/usage.ts';
import { CRC64 } from '../../../workers/src/base/bytes/checksum.ts';
import { DataError, TransientError } from '../../../workers/src/base/errors.ts';
import { openS3, type S3Bucket } from '../../../workers/src/s3/client.ts';
import { checksumObjects } from '../../../workers/src/s3/transfer/checksum-objects.ts';
import { downloadAround, downloadFiles } from '../../../workers/src/s3/transfer/download.ts';
import { openUploads } from '../../../workers/src/s3/transfer/open-uploads.ts';
import { backgroundThreads, transferThreads } from '../../../workers/src/s3/transfer/transfers.ts';
import { uploadFiles } from '../../../workers/src/s3/transfer/upload.ts';
import type { Seen } from '../../support/fault-proxy.ts';
import { sharedFolder, temporaryFolder } from '../../support/run.ts';
import { missingServer, useS3, withFaultProxy } from '../../support/s3.ts';
import { makeFiles } from '../support/files.ts';

const MIB = 2 ** 20;
const SIZES = [1000, 40 * MIB + 7, 0, 17 * MIB, 3 * MIB];
const TOTAL = SIZES.reduce((sum, bytes) => sum + bytes, 0);
const isPut = ({ method, url }: Seen) => method === 'PUT' && url.includes('.lance');

test('threads follow the bytes, up to the cores', () => {
  expect(transferThreads(0, 8)).toBe(0);
  expect(transferThreads(63 * MIB, 8)).toBe(0);
  expect(transferThreads(64 * MIB, 8)).toBe(1);
  expect(transferThreads(600 * MIB, 8)).toBe(3);
  expect(transferThreads(2 ** 40, 8)).toBe(8);
  expect(transferThreads(2 ** 40, 128)).toBe(16);
  expect([0, 63, 64, 600, 2 ** 20].map((mebibytes) => backgroundThreads(mebibytes * MIB, 8))).toEqual([0, 0, 1, 2, 2]);
  expect(backgroundThreads(2 ** 40, 2)).toBe(1);
});

const kind = missingServer('versitygw') ? 'moto' : 'versitygw';

describe.skipIf(missingServer(kind))('transfers in threads', () => {
  const held = withFaultProxy(kind);
  let files: Awaited<ReturnType<typeof makeFiles>>;
  beforeAll(async () => {
    files = await makeFiles(await sharedFolder(), SIZES);
  });

  async function open(name: string): Promise<S3Bucket> {
    useS3({ ...held.proxy.env, LANCEFLOW_S3_GIVE_UP_MS: '1500' });
    return openS3(`s3://lance/${name}`);
  }

  /** @returns the multipart uploads that the service lists */
  const listed = (s3: S3Bucket) => Array.fromAsync(openUploads(s3, ''));

  /** @returns requests, sorted, without what differs between two equal transfers */
  const requests = () =>
    held.proxy.seen.map(({ method, url }) => `${method} ${url.replace(/uploadId=[^&]*/, '')}`).sort();

  it('compute the checksums of objects by ranges, of either algorithm, and name one that is shorter', async () => {
    const s3 = await open('checksums');
    await uploadFiles(s3, files);
    const crc32s = await Promise.all(files.map(async ({ path }) => crc32(await readFile(path))));
    const old = files.map((file, i) => ({ ...file, checksum: `crc32:${crc32s[i]!.toString(16).padStart(8, '0')}` }));
    let progress = 0;
    const computed = await checksumObjects(s3, [...files, ...old], (bytes) => {
      progress += bytes;
    });
    expect(computed).toEqual([...files, ...old].map(({ checksum }) => checksum));
    expect(progress).toBe(2 * TOTAL);
    expect(await checksumObjects(s3, [{ key: files[0]!.key, bytes: 1000 }])).toEqual([files[0]!.checksum]);
    const longer = checksumObjects(s3, [{ ...files[1]!, bytes: files[1]!.bytes + 70 * MIB }]);
    await expect(longer).rejects.toThrow(/\/1\.lance: shorter than it was when it was written/);
    await expect(longer).rejects.toBeInstanceOf(DataError);
  });

  it('make the requests, counts and files of a transfer without threads, whatever their number', async () => {
    const seen: unknown[] = [];
    for (const threads of [0, 1, 3]) {
      const s3 = await open('threads');
      held.proxy.seen.length = 0;
      let progress = 0;
      const onProgress = (bytes: number) => {
        progress += bytes;
      };
      const options = { threads, onProgress };
      const before = s3Usage();
      const sent = await uploadFiles(s3, files, { ...options, there: new Set<string>() });
      expect(sent).toEqual(files.map(({ key, bytes, checksum }) => ({ key, bytes, checksum, sent: true })));
      expect(progress).toBe(TOTAL);
      const folder = await temporaryFolder();
      const wanted = files.map((file) => ({ ...file, path: join(folder, file.key) }));
      expect(await downloadFiles(s3, wanted, options)).toEqual({ bytes: TOTAL, fetchedBytes: TOTAL });
      expect(progress).toBe(2 * TOTAL);
      for (const [i, { path }] of wanted.entries())
        expect((await readFile(path)).equals(await readFile(files[i]!.path))).toBe(true);
      const after = s3Usage();
      expect(after.requests - before.requests).toBe(held.proxy.seen.length);
      expect(after.receivedBytes - before.receivedBytes).toBeGreaterThanOrEqual(TOTAL);
      seen.push({ requests: requests(), sentBytes: after.sentBytes - before.sentBytes });
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
  });

  it('stop all at the first failure, with its reason, and leave no upload open', async () => {
    const s3 = await open('denied');
    held.proxy.rule = (seen) =>
      isPut(seen) && seen.url.includes('partNumber=2') ? { status: 403, code: 'AccessDenied' } : undefined;
    const attempt = uploadFiles(s3, files, { threads: 2 });
    await expect(attempt).rejects.toThrow(/^UploadPart s3:\/\/lance\/denied\/data\/.*: access denied/);
    await expect(attempt).rejects.toBeInstanceOf(DataError);
    held.proxy.rule = () => undefined;
    expect(await listed(s3)).toEqual([]);

    await uploadFiles(s3, files, { threads: 2 });
    const folder = await temporaryFolder();
    const wanted = files.map((file) => ({ ...file, path: join(folder, file.key) }));
    held.proxy.rule = ({ headers: { range } }) => (range ? { status: 500, code: 'InternalError' } : undefined);
    const fetching = downloadFiles(s3, wanted, { threads: 2 });
    await expect(fetching).rejects.toThrow(/^GetObject s3:\/\/lance\/denied\/data\/.*: S3 failed \d attempts/);
    await expect(fetching).rejects.toBeInstanceOf(TransientError);
  });

  it.each([0, 2])('stop when the lock of the bucket is lost (%i threads)', async (threads) => {
    const s3 = await open('lost');
    const lost = new AbortController();
    held.proxy.rule = (seen) => {
      if (!isPut(seen) || !seen.url.includes('partNumber=3')) return undefined;
      lost.abort(new TransientError('lost'));
      return { noAnswer: true };
    };
    const options = { threads, signal: lost.signal };
    const reason = await uploadFiles(s3, files, options).catch((error: unknown) => error);
    expect(reason).toBe(lost.signal.reason);
    held.proxy.rule = () => undefined;
    expect(await listed(s3)).toEqual([]);
    await expect(uploadFiles(s3, files, options)).rejects.toBe(lost.signal.reason);
  });

  it.each([0, 2])('wait for parts in flight before they abort an upload (%i threads)', async (threads) => {
    const s3 = await open(`late-${threads}`);
    // The parts have arrived when the upload fails; their answers are late.
    const unanswered: string[] = [];
    held.proxy.rule = (seen) => {
      if (seen.method === 'DELETE')
        unanswered.push(...held.proxy.seen.filter((one) => isPut(one) && !one.isAnswered).map(({ url }) => url));
      if (!isPut(seen)) return undefined;
      return seen.url.includes('partNumber=3') ? { status: 403, code: 'AccessDenied' } : { delayMs: 700 };
    };
    held.proxy.seen.length = 0;
    await expect(uploadFiles(s3, [files[1]!], { threads })).rejects.toThrow(/access denied/);
    expect(unanswered).toEqual([]);
    const methods = held.proxy.seen.map(({ method }) => method);
    expect(methods.filter((method) => method === 'DELETE')).toHaveLength(1);
    expect(methods.lastIndexOf('PUT')).toBeLessThan(methods.indexOf('DELETE'));
    held.proxy.rule = () => undefined;
    expect(await listed(s3)).toEqual([]);
  });

  it('abort an upload again while it is listed', async () => {
    const s3 = await open('again');
    let aborts = 0;
    held.proxy.rule = (seen) => {
      if (isPut(seen) && seen.url.includes('partNumber=2')) return { status: 403, code: 'AccessDenied' };
      // The first requests are answered, but not heeded.
      if (seen.method !== 'DELETE' || ++aborts > 2) return undefined;
      return { status: 404, code: 'NoSuchUpload' };
    };
    await expect(uploadFiles(s3, [files[1]!], { threads: 1 })).rejects.toThrow(/access denied/);
    expect(aborts).toBe(3);
    expect(await listed(s3)).toEqual([]);
  });

  it('leave a hole where the vectors are', async () => {
    const s3 = await open('around');
    const file = files[1]!;
    await uploadFiles(s3, [file]);
    const content = await readFile(file.path);
    const hole = { start: 1001, end: 39 * MIB };
    const rest = Buffer.concat([content.subarray(0, hole.start), content.subarray(hole.end)]);
    const path = join(await temporaryFolder(), 'sparse');
    const around = { key: file.key, path, bytes: file.bytes, hole, checksum: CRC64.format(CRC64.of(rest)) };
    let progress = 0;
    const onProgress = (bytes: number) => {
      progress += bytes;
    };
    for (const _ of [1, 2]) await downloadAround(s3, [around], onProgress);
    expect(progress).toBe(2 * rest.length);
    content.fill(0, hole.start, hole.end);
    expect((await readFile(path)).equals(content)).toBe(true);
    const damaged = { ...around, path: `${path}2`, checksum: file.checksum };
    await expect(downloadAround(s3, [damaged], () => {})).rejects.toThrow(/damaged: it is not what was built/);
  });
});
