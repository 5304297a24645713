/**
 * Fetches files as LanceFlow does, in ranges, by threads, with checksums, except that the bodies come from the SDK's GetObject through
 * Node's HTTP client. get-object.ts s3://... FOLDER CATALOG THREADS
 */
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { writeAt } from '../../workers/src/base/files/write-atomically.ts';
import { BlockWriter } from '../../workers/src/s3/ranges/block-writer.ts';

const RANGE_BYTES = 16 * 2 ** 20;
const BLOCK_BYTES = 2 ** 19;
const RANGES_AT_ONCE = 8;

interface Range {
  key: string;
  path: string;
  offset: number;
  length: number;
}

if (isMainThread) {
  const [uri, folder, catalog, threads] = process.argv.slice(2) as [string, string, string, string];
  const files = JSON.parse(await readFile(catalog, 'utf8')) as { key: string; bytes: number }[];
  const ranges: Range[] = [];
  for (const { key, bytes } of files) {
    const path = join(folder, key);
    await mkdir(dirname(path), { recursive: true });
    await using file = await open(path, 'w');
    await file.truncate(bytes);
    for (let offset = 0; offset < bytes; offset += RANGE_BYTES)
      ranges.push({ key, path, offset, length: Math.min(RANGE_BYTES, bytes - offset) });
  }
  const count = Number(threads);
  const shares = Array.from({ length: count }, (_, i) => ranges.filter((_range, at) => at % count === i));
  await Promise.all(
    shares.map(
      (share) =>
        new Promise((resolve, reject) => {
          const worker = new Worker(new URL(import.meta.url), { workerData: { uri, share } });
          worker.on('error', reject);
          worker.on('exit', resolve);
        }),
    ),
  );
  process.stdout.write('{}\n');
} else {
  const { uri, share } = workerData as { uri: string; share: Range[] };
  const [Bucket, prefix] = uri.slice('s3://'.length).split(/\/(.*)/) as [string, string];
  const client = new S3Client({ forcePathStyle: true, responseChecksumValidation: 'WHEN_REQUIRED' });
  const next = share.values();
  await Promise.all(
    Array.from({ length: RANGES_AT_ONCE }, async () => {
      for (const range of next) await fetchRange(client, Bucket, prefix, range);
    }),
  );
  client.destroy();
}

async function fetchRange(client: S3Client, Bucket: string, prefix: string, range: Range): Promise<void> {
  const { key, path, offset, length } = range;
  await using file = await open(path, 'r+');
  const write = (block: Buffer, position: number) => writeAt(file, block, position);
  const writer = new BlockWriter(write, offset, Math.min(length, BLOCK_BYTES));
  const Range = `bytes=${offset}-${offset + length - 1}`;
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: `${prefix}/${key}`, Range }));
  await drain(Body as Readable, writer);
  await writer.end();
}

/** Copies a body into blocks; it pauses where both blocks are full. */
function drain(body: Readable, writer: BlockWriter): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  body.on('data', (chunk: Buffer) => {
    let busy: Promise<void> | undefined;
    for (let rest = chunk; rest.length > 0; ) {
      const copied = rest.copy(writer.buffer());
      busy = writer.filled(copied) ?? busy;
      rest = rest.subarray(copied);
    }
    if (!busy) return;
    body.pause();
    busy.then(() => body.resume(), reject);
  });
  body.on('end', resolve);
  body.on('error', reject);
  return promise;
}
