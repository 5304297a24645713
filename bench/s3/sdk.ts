/** Transfers files as the SDK's documents show: a stream a file. sdk.ts up|upload|down BUCKET PREFIX FOLDER */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

/** Concurrent uploads: each `Upload` keeps four parts in memory. */
const UPLOADS_AT_ONCE = 4;

const [direction, Bucket, prefix, folder] = process.argv.slice(2) as [string, string, string, string];
const client = new S3Client({ forcePathStyle: true });
if (direction !== 'down') {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const send = async (path: string) => {
    const params = { Bucket, Key: `${prefix}${path.slice(folder.length)}`, Body: createReadStream(path) };
    if (direction === 'upload') return new Upload({ client, params, partSize: 16 * 2 ** 20 }).done();
    const { size: ContentLength } = await stat(path);
    return client.send(new PutObjectCommand({ ...params, ContentLength }));
  };
  const lanes = direction === 'upload' ? UPLOADS_AT_ONCE : paths.length;
  const next = paths.values();
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (const path of next) await send(path);
    }),
  );
} else {
  const keys: string[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix: `${prefix}/` }))
    keys.push(...Contents.map(({ Key = '' }) => Key));
  await Promise.all(
    keys.map(async (Key) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      const path = join(folder, Key.slice(prefix.length + 1));
      await mkdir(dirname(path), { recursive: true });
      await pipeline(Body as Readable, createWriteStream(path));
    }),
  );
}
process.stdout.write('{}\n');
process.exit(0);
