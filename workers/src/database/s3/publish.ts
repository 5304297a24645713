import { join } from 'node:path';
import type { TableFile } from '../../lance/table-files.ts';
import { fileSizes, isMetadata, newestVersion } from '../../lance/table-files.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { removeObjects } from '../../s3/objects.ts';
import { abortUploads, type UploadFile, uploadFiles } from '../../s3/transfer/upload.ts';
import type { MadeTable } from '../table-store.ts';

/**
 * Copies a table to S3: data and index, the partition file, the transaction, the manifest; what is there already is not
 * sent again. Then removes what belongs to no version any more, and the uploads that dead builds left open.
 * @param sizes of the files of a table that is there
 * @param partitionFiles paths of a bucket's partition files that are there
 */
export async function publishToS3(
  s3: S3Bucket,
  { bucket, folder, known, partitions, lost }: MadeTable,
  sizes: (bucket: string) => Promise<Map<string, number>>,
  partitionFiles: (bucket: string) => Promise<string[]>,
): Promise<TableFile[]> {
  const prefix = `${bucket}.lance/`;
  await endUploads(s3, bucket);
  const here = await fileSizes(folder);
  const there = await sizes(bucket);
  const paths = newestVersion(here.keys());
  const checksums = new Map(known.map(({ path, checksum }) => [path, checksum]));

  // Names of data and index files are random: one that is there, of this size, is this file.
  const isThere = (path: string) =>
    !isMetadata(path) && checksums.has(path) && there.get(path) !== undefined && there.get(path) === here.get(path);
  const files: TableFile[] = [];
  const upload = async (wanted: readonly string[]) => {
    lost.throwIfAborted();
    const missing = wanted.filter((path) => !isThere(path));
    const sources = missing.map((path): UploadFile => {
      const checksum = checksums.get(path);
      return { key: prefix + path, path: join(folder, path), ...(checksum === undefined ? {} : { checksum }) };
    });
    const listed = { has: (key: string) => there.has(key.slice(prefix.length)) };
    for (const { key, checksum } of await uploadFiles(s3, sources, { there: listed }))
      checksums.set(key.slice(prefix.length), checksum);
    for (const path of wanted) files.push({ path, bytes: here.get(path)!, checksum: checksums.get(path)! });
  };
  await upload(paths.filter((path) => !isMetadata(path)));
  const own = partitions === 'none' ? undefined : partitions;
  if (own) await uploadFiles(s3, [{ key: own.path, path: own.file }]);
  // The transaction, then the manifest, which makes the version.
  for (const path of paths.filter(isMetadata)) await upload([path]);

  lost.throwIfAborted();
  const wanted = new Set(paths);
  await removeObjects(
    s3,
    [...there.keys()].filter((path) => !wanted.has(path)).map((path) => prefix + path),
  );
  if (partitions !== undefined)
    await removeObjects(
      s3,
      (await partitionFiles(bucket)).filter((path) => path !== own?.path),
    );
  return files;
}

/** Ends the uploads of a bucket's files that are not finished. */
export async function endUploads(s3: S3Bucket, bucket: string): Promise<void> {
  await abortUploads(s3, `${bucket}.lance/`);
  await abortUploads(s3, `_partitions/${bucket}-`);
}
