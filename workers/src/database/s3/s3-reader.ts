import { DataError } from '../../base/errors.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { describeObject } from '../../s3/describe-object.ts';
import { listObjects } from '../../s3/objects.ts';
import { readRange } from '../../s3/ranges/range.ts';
import { SignedObject } from '../../s3/ranges/signed-object.ts';
import { checksumObjects } from '../../s3/transfer/checksum-objects.ts';
import { missingObject } from '../database-messages.ts';
import type { TableReader } from '../table-reader.ts';
import { openInPlace } from './open-in-place.ts';
import { openRange } from './range-file.ts';

/** Reads tables on S3 in place. */
export function s3Reader(s3: S3Bucket): TableReader {
  async function size(path: string): Promise<number | undefined> {
    return (await describeObject(s3, path))?.bytes;
  }

  async function requireSize(path: string): Promise<number> {
    const bytes = await size(path);
    if (bytes === undefined) throw new DataError(missingObject(s3.uri, path));
    return bytes;
  }

  return {
    folder: undefined,
    size,
    async sizes(bucket, folder = '') {
      const found = new Map<string, number>();
      const prefix = `${bucket}.lance/`;
      for await (const { path, bytes } of listObjects(s3, `${prefix}${folder}`))
        found.set(path.slice(prefix.length), bytes);
      return found;
    },
    async read(path) {
      const bytes = new Uint8Array(await requireSize(path));
      await readRange(s3, path, 0, bytes.length, bytes, new SignedObject(s3, path));
      return bytes;
    },
    openFile: async (path) => openRange(s3, path),
    checksums: (files, onProgress) =>
      checksumObjects(
        s3,
        files.map(({ path, ...file }) => ({ key: path, ...file })),
        onProgress,
      ),
    open: (bucket) => openInPlace(s3, bucket),
  };
}
