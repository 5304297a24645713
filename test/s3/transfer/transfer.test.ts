import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { s3Usage } from '../../../workers/src/app/usage.ts';
import { CRC32, CRC64 } from '../../../workers/src/base/bytes/checksum.ts';
import { DataError, TransientError } from '../../../workers/src/base/errors.ts';
import { openS3 } from '../../../workers/src/s3/client.ts';
import { readRange } from '../../../workers/src/s3/ranges/range.ts';
import { downloadFiles } from '../../../workers/src/s3/transfer/download.ts';
import { abortUploads } from '../../../workers/src/s3/transfer/open-uploads.ts';
import { uploadFiles } from '../../../workers/src/s3/transfer/upload.ts';
import { temporaryFolder } from '../../support/run.ts';
import { missingServer, useS3, withS3Server } from '../../support/s3.ts';
import { makeFiles } from '../support/files.ts';

const MIB = 2 ** 20;
/** Around the sizes of parts, up and down. */
const SIZES = [0, 1, 5_000_000, 16 * MIB - 1, 16 * MIB, 16 * MIB + 1, 32 * MIB, 33_600_001];

describe.each(['moto', 'versitygw'] as const)('files to and from %s', (kind) => {
  const skip = missingServer(kind);
  const held = skip ? undefined : withS3Server(kind);

  it.skipIf(skip)('come back as they went; a second run moves nothing', async () => {
    useS3(held!.server.env);
    const s3 = await openS3('s3://lance/transfer');
    const folder = await temporaryFolder();
    const files = await makeFiles(folder, SIZES);
    let progress = 0;
    const onProgress = (bytes: number) => {
      progress += bytes;
    };
    const before = s3Usage();
    const sent = await uploadFiles(s3, files, { onProgress });
    const total = SIZES.reduce((sum, bytes) => sum + bytes, 0);
    expect(sent).toEqual(files.map(({ key, bytes, checksum }) => ({ key, bytes, checksum, sent: true })));
    expect(progress).toBe(total);
    expect(s3Usage().sentBytes - before.sentBytes).toBeGreaterThanOrEqual(total);
    expect(s3Usage().sentBytes - before.sentBytes).toBeLessThan(total + 50_000);

    // What another client finds there.
    const { Body, ETag } = await s3.client.send(
      new GetObjectCommand({ Bucket: 'lance', Key: `transfer/${files[7]!.key}` }),
    );
    expect(ETag).toBeDefined();
    const hash = createHash('sha256').update((await Body!.transformToByteArray()) ?? '');
    expect(hash.digest('hex')).toBe(
      createHash('sha256')
        .update(await readFile(files[7]!.path))
        .digest('hex'),
    );

    const second = s3Usage().sentBytes;
    const again = await uploadFiles(s3, files, { onProgress });
    expect(again.map((file) => file.sent)).toEqual(files.map(() => false));
    expect(again.map((file) => file.checksum)).toEqual(files.map((file) => file.checksum));
    expect([s3Usage().sentBytes, progress]).toEqual([second, 2 * total]);

    progress = 0;
    const wanted = files.map((file) => ({ ...file, path: join(folder, 'back', file.key) }));
    expect(await downloadFiles(s3, wanted, { onProgress })).toEqual({ bytes: total, fetchedBytes: total });
    for (const [i, { path }] of wanted.entries())
      expect((await readFile(path)).equals(await readFile(files[i]!.path))).toBe(true);
    expect(progress).toBe(total);
    const names = await readdir(join(folder, 'back'), { recursive: true });
    expect(names.filter((name) => name.includes('.part'))).toEqual([]);
    expect(await downloadFiles(s3, wanted, { onProgress })).toEqual({ bytes: total, fetchedBytes: 0 });
    expect(progress).toBe(2 * total);
  });

  it.skipIf(skip)('are sent again where they have changed', async () => {
    useS3(held!.server.env);
    const s3 = await openS3('s3://lance/changed');
    const folder = await temporaryFolder();
    const [file] = await makeFiles(folder, [17 * MIB]);
    await uploadFiles(s3, [file!]);
    const content = await readFile(file!.path);
    content[16 * MIB + 5]! ^= 1;
    await writeFile(file!.path, content);
    const [sent] = await uploadFiles(s3, [{ key: file!.key, path: file!.path }]);
    expect(sent).toMatchObject({ sent: true, checksum: CRC64.format(CRC64.of(content)) });
    const path = join(folder, 'back');
    await downloadFiles(s3, [{ ...sent!, path }]);
    expect((await readFile(path)).equals(content)).toBe(true);
  });

  it.skipIf(skip).each([
    ['CRC64NVME', CRC64],
    ['CRC32', CRC32],
  ] as const)('are left where another tool has sent them with %s, and come back', async (ChecksumAlgorithm, checks) => {
    useS3(held!.server.env);
    const s3 = await openS3('s3://lance/others');
    const folder = await temporaryFolder();
    const [file] = await makeFiles(folder, [3_000_001]);
    const content = await readFile(file!.path);
    const key = `others/${ChecksumAlgorithm}`;
    // The checksum is the SDK's own.
    const command = new PutObjectCommand({ Bucket: 'lance', Key: key, Body: content, ChecksumAlgorithm });
    await s3.client.send(command);
    const checksum = checks.format(checks.of(content));
    const expected = { key: ChecksumAlgorithm, bytes: content.length, checksum, sent: false };
    for (const known of [{}, { checksum }, { checksum: file!.checksum }])
      expect(await uploadFiles(s3, [{ key: ChecksumAlgorithm, path: file!.path, ...known }])).toEqual([expected]);
    const path = join(folder, 'back');
    await downloadFiles(s3, [{ ...expected, path }]);
    expect((await readFile(path)).equals(content)).toBe(true);
  });

  // moto gives an object no checksum then; S3 and versitygw do.
  if (kind === 'versitygw')
    it.skipIf(skip)('are left where another tool has sent them without a checksum', async () => {
      useS3(held!.server.env);
      const s3 = await openS3('s3://lance/bare');
      const [file] = await makeFiles(await temporaryFolder(), [3_000_001]);
      const client = new S3Client({ forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' });
      const Body = await readFile(file!.path);
      await client.send(new PutObjectCommand({ Bucket: 'lance', Key: s3.key(file!.key), Body }));
      client.destroy();
      expect(await uploadFiles(s3, [file!])).toMatchObject([{ checksum: file!.checksum, sent: false }]);
    });

  it.skipIf(skip)('are read in ranges without being stored', async () => {
    useS3(held!.server.env);
    const s3 = await openS3('s3://lance/ranges');
    const [file] = await makeFiles(await temporaryFolder(), [3_000_001]);
    await uploadFiles(s3, [file!]);
    const content = await readFile(file!.path);
    for (const [offset, length] of [
      [0, 1],
      [17, 1_000_000],
      [3_000_000, 1],
      [5, 0],
    ] as const) {
      const into = new Uint8Array(length + 3);
      await readRange(s3, file!.key, offset, length, into);
      expect(Buffer.from(into.subarray(0, length)).equals(content.subarray(offset, offset + length))).toBe(true);
      expect([...into.subarray(length)]).toEqual([0, 0, 0]);
    }
    await expect(readRange(s3, file!.key, 3_000_000, 2, new Uint8Array(2))).rejects.toThrow(/shorter than it was/);
    await expect(readRange(s3, file!.key, 4_000_000, 2, new Uint8Array(2))).rejects.toThrow(/shorter than it was/);
    await expect(readRange(s3, 'none', 0, 2, new Uint8Array(2))).rejects.toThrow(/no such object/);
  });

  it.skipIf(skip)('leave no multipart upload open after the next run', async () => {
    useS3(held!.server.env);
    const s3 = await openS3('s3://lance/dead');
    for (const Key of ['dead/t.lance/a', 'dead/t.lance/b', 'dead/u.lance/a', 'other/x'])
      await s3.client.send(new CreateMultipartUploadCommand({ Bucket: 'lance', Key }));
    expect(await abortUploads(s3, 't.lance/')).toBe(2);
    expect(await abortUploads(s3, 't.lance/')).toBe(0);
    const { Uploads = [] } = await s3.client.send(new ListMultipartUploadsCommand({ Bucket: 'lance' }));
    expect(Uploads.map(({ Key }) => Key)).toEqual(['dead/u.lance/a', 'other/x']);
  });

  it.skipIf(skip)('are refused where they are not what the catalog says', async () => {
    useS3(held!.server.env);
    const s3 = await openS3('s3://lance/refused');
    const folder = await temporaryFolder();
    const [file] = await makeFiles(folder, [17 * MIB]);
    await uploadFiles(s3, [file!]);
    const path = join(folder, 'back/x');
    const refused = async (change: object, kindOfError: unknown, message: RegExp) => {
      const attempt = downloadFiles(s3, [{ ...file!, path, ...change }]);
      await expect(attempt).rejects.toThrow(message);
      await expect(attempt).rejects.toBeInstanceOf(kindOfError);
      await expect(stat(path)).rejects.toThrow('ENOENT');
    };
    await refused(
      { checksum: 'crc64nvme:0000000000000000' },
      DataError,
      /refused\/data\/0.lance: damaged: its checksum is/,
    );
    expect(await readdir(join(folder, 'back'))).toEqual([]);
    await refused({ key: 'none' }, DataError, /s3:\/\/lance\/refused\/none: no such object/);
    await refused({ bytes: file!.bytes + 1 }, DataError, /shorter than it was/);
    await rm(join(folder, 'back'), { recursive: true });
    const before = s3Usage().requests;
    await refused({ bytes: 1e15 }, TransientError, /back: 1000 TB are to be fetched, but only [\d.]+ [GT]B are free/);
    expect(s3Usage().requests).toBe(before);
  });
});
