import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { openS3 } from '../../../workers/src/s3/client.ts';
import { downloadFiles } from '../../../workers/src/s3/transfer/download.ts';
import { abortUploads } from '../../../workers/src/s3/transfer/open-uploads.ts';
import { uploadFiles } from '../../../workers/src/s3/transfer/upload.ts';
import { makeFiles } from '../../s3/support/files.ts';
import { ROOT, temporaryFolder } from '../../support/run.ts';
import { missingServer, useS3, withFaultProxy } from '../../support/s3.ts';

const MIB = 2 ** 20;
const skip = missingServer('versitygw');

describe('a transfer that is killed', () => {
  const held = skip ? undefined : withFaultProxy('versitygw');

  /** Runs a transfer in another process, and kills it after it has reported `bytes`. */
  async function killAfter(bytes: number, direction: 'up' | 'down', uri: string, files: unknown): Promise<void> {
    const script = join(ROOT, 'test/s3/support/transfer.ts');
    const child = spawn(process.execPath, [script, direction, uri, JSON.stringify(files)], {
      env: { ...process.env, ...held!.proxy.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let done = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trim().split('\n')) done += Number(line);
      if (done >= bytes) child.kill('SIGKILL');
    });
    const [, signal] = await once(child, 'exit');
    expect(signal).toBe('SIGKILL');
  }

  it.skipIf(skip)('continues at the unfinished part when it is downloaded again', async () => {
    useS3(held!.proxy.env);
    const uri = 's3://lance/killed';
    const s3 = await openS3(uri);
    const folder = await temporaryFolder();
    const [small, large] = await makeFiles(folder, [1000, 52 * MIB]);
    await uploadFiles(s3, [small!, large!]);
    const wanted = [small!, large!].map((file) => ({ ...file, path: join(folder, 'back', file.key) }));
    // The last part is held back until the process is killed.
    const last = `bytes=${48 * MIB}-`;
    held!.proxy.rule = ({ headers }) => (headers.range?.startsWith(last) ? { noAnswer: true } : undefined);
    await killAfter(32 * MIB, 'down', uri, wanted);
    held!.proxy.rule = () => undefined;
    const back = join(folder, 'back/data');
    expect((await readdir(back)).sort()).toEqual(['.1.lance.part', '.1.lance.parts', '0.lance']);

    // A noted part that is missing is detected; a truncated line is ignored.
    const journal = (await readFile(join(back, '.1.lance.parts'), 'utf8')).trim().split('\n').slice(1);
    expect(journal.length).toBeGreaterThanOrEqual(2);
    const damagedPart = Number(journal[0]!.split(' ')[0]);
    const file = await open(join(back, '.1.lance.part'), 'r+');
    await file.write(Buffer.from('damaged'), 0, 7, damagedPart * 16 * MIB + 99);
    await file.close();
    await appendFile(join(back, '.1.lance.parts'), '3 00');

    const present = (journal.length - 1) * 16 * MIB;
    let first: number | undefined;
    const onProgress = (bytes: number) => {
      // The complete file is counted first, then the rest of the other.
      if (bytes !== small!.bytes) first ??= bytes;
    };
    expect(await downloadFiles(s3, wanted, { onProgress })).toEqual({
      bytes: 1000 + 52 * MIB,
      fetchedBytes: 52 * MIB - present,
    });
    expect(first).toBe(present);
    expect((await readFile(wanted[1]!.path)).equals(await readFile(large!.path))).toBe(true);
    expect((await readdir(back)).sort()).toEqual(['0.lance', '1.lance']);
  });

  it.skipIf(skip)('starts over where the object has changed', async () => {
    useS3(held!.proxy.env);
    const uri = 's3://lance/another';
    const s3 = await openS3(uri);
    const folder = await temporaryFolder();
    const [, , file] = await makeFiles(folder, [1, 2, 20 * MIB]);
    await uploadFiles(s3, [file!]);
    const wanted = { ...file!, path: join(folder, 'back/x') };
    held!.proxy.rule = ({ headers }) =>
      headers.range === `bytes=${16 * MIB}-${20 * MIB - 1}` ? { noAnswer: true } : undefined;
    await killAfter(16 * MIB, 'down', uri, [wanted]);
    held!.proxy.rule = () => undefined;
    const [, , , other] = await makeFiles(folder, [1, 2, 3, 20 * MIB]);
    await uploadFiles(s3, [{ key: file!.key, path: other!.path }]);
    const { fetchedBytes } = await downloadFiles(s3, [{ ...wanted, checksum: other!.checksum }]);
    expect(fetchedBytes).toBe(20 * MIB);
    expect((await readFile(wanted.path)).equals(await readFile(other!.path))).toBe(true);
  });

  it.skipIf(skip)('leaves no upload on S3 when it is sent again', async () => {
    useS3(held!.proxy.env);
    const uri = 's3://lance/sent';
    const s3 = await openS3(uri);
    const folder = await temporaryFolder();
    const files = await makeFiles(folder, [1000, 60 * MIB]);
    held!.proxy.rule = ({ url }) => (url.includes('partNumber=4') ? { noAnswer: true } : undefined);
    await killAfter(32 * MIB, 'up', uri, files);
    held!.proxy.rule = () => undefined;
    const uploads = async () =>
      ((await s3.client.send(new ListMultipartUploadsCommand({ Bucket: 'lance' }))).Uploads ?? []).length;
    expect(await uploads()).toBe(1);
    const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket: 'lance', Prefix: 'sent/' }));
    expect(Contents.map(({ Key }) => Key)).toEqual(['sent/data/0.lance']);

    expect(await abortUploads(s3, 'data/')).toBe(1);
    const sent = await uploadFiles(s3, files);
    expect(sent.map((file) => file.sent)).toEqual([false, true]);
    expect(await uploads()).toBe(0);
  });
});
