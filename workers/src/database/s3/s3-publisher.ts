import { join } from 'node:path';
import { removeStale } from '../../base/files/temporary.ts';
import { fileSizes, isMetadata, newestVersion, type TableFile } from '../../lance/table-files.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { listObjects, listSubfolders, removeObjects } from '../../s3/objects.ts';
import { abortUploads, openUploads } from '../../s3/transfer/open-uploads.ts';
import { uploadFiles } from '../../s3/transfer/upload.ts';
import type { UploadFile } from '../../s3/transfer/upload-file.ts';
import type { ObjectStore } from '../object-store.ts';
import { isPartitionFile } from '../partitions.ts';
import type { TablePublisher } from '../table-publisher.ts';
import type { TableReader } from '../table-reader.ts';
import { EarlyFiles } from './early-files.ts';
import { KeptTables } from './kept-tables.ts';

/**
 * Publishes tables by copying them to S3.
 * @param store of the database's small objects
 * @param scratch folder in which tables are built
 * @param work folder that the tasks of this node share: there, ingest-bucket leaves its table for index-bucket
 */
export function s3Publisher(
  s3: S3Bucket,
  store: ObjectStore,
  tables: TableReader,
  scratch: string,
  work: string | undefined,
): TablePublisher {
  const kept = work === undefined ? undefined : new KeptTables(work, s3.uri);
  const earlyFiles = new EarlyFiles(s3, store, tables);
  return {
    async publishEarly(table, use) {
      await abortBucketUploads(s3, table.bucket);
      return earlyFiles.publish(table, use);
    },
    async publishRows({ bucket, folder, recipe, files: known, partitions, lost }) {
      const upload = partitions && { key: partitions.path, path: partitions.file };
      const files = await publishFiles(s3, tables, { bucket, folder, known, beside: upload, lost });
      const others = (await partitionFiles(s3, bucket)).filter((path) => path !== partitions?.path);
      await removeObjects(s3, others);
      await earlyFiles.end(bucket);
      // index-bucket fetches a table that could not be kept.
      await kept?.keep(bucket, recipe, folder).catch(ignored);
      return { files };
    },
    async publishIndex({ bucket, folder, files, lost }) {
      await publishFiles(s3, tables, { bucket, folder, known: files, lost });
      await earlyFiles.end(bucket);
      // A table that stays is removed when its space is needed.
      await kept?.remove(bucket).catch(ignored);
    },
    async removeLeftovers(bucket, files) {
      await removeStale(join(scratch, bucket));
      await abortBucketUploads(s3, bucket);
      await earlyFiles.remove(bucket, files);
    },
    async remove(bucket) {
      await abortBucketUploads(s3, bucket);
      const paths = [...(await tables.sizes(bucket)).keys()].map((path) => `${bucket}.lance/${path}`);
      await removeObjects(s3, [...paths, ...(await partitionFiles(s3, bucket))]);
      await earlyFiles.end(bucket);
    },
    async contents() {
      const folders = await listSubfolders(s3, '');
      const leftovers: string[] = [];
      for await (const { path } of openUploads(s3, ''))
        leftovers.push(`${path} is an unfinished upload of a build that runs or was killed`);
      for (const bucket of await earlyFiles.buckets())
        leftovers.push(`${bucket}.lance has files of a version that is being built, or of a killed build`);
      return { tables: folders.filter((name) => name.endsWith('.lance')), leftovers };
    },
  };
}

interface Publication {
  bucket: string;
  /** `.../<bucket>.lance` */
  folder: string;
  /** Files of the table whose checksums are known. */
  known: readonly TableFile[];
  /** A file that is uploaded after the data and before the metadata. */
  beside?: UploadFile | undefined;
  lost: AbortSignal;
}

/**
 * Uploads data and index, then the transaction, then the manifest, except files that S3 has already. Then removes the files of
 * other versions.
 * @returns the table's files
 */
async function publishFiles(
  s3: S3Bucket,
  tables: TableReader,
  { bucket, folder, known, beside, lost }: Publication,
): Promise<TableFile[]> {
  const prefix = `${bucket}.lance/`;
  const sizes = await fileSizes(folder);
  const published = await tables.sizes(bucket);
  const paths = newestVersion(sizes.keys());
  const checksums = new Map(known.map(({ path, checksum }) => [path, checksum]));

  // Names of data files follow from their content, those of index files are random: an object of this name and size is this file.
  const isPublished = (path: string) =>
    !isMetadata(path) &&
    checksums.has(path) &&
    sizes.get(path) !== undefined &&
    sizes.get(path) === published.get(path);
  const files: TableFile[] = [];
  const upload = async (wanted: readonly string[]) => {
    lost.throwIfAborted();
    const missing = wanted.filter((path) => !isPublished(path));
    const sources = missing.map((path): UploadFile => {
      const checksum = checksums.get(path);
      return { key: prefix + path, path: join(folder, path), ...(checksum === undefined ? {} : { checksum }) };
    });
    const there = { has: (key: string) => published.has(key.slice(prefix.length)) };
    for (const { key, checksum } of await uploadFiles(s3, sources, { there, signal: lost }))
      checksums.set(key.slice(prefix.length), checksum);
    for (const path of wanted) files.push({ path, bytes: sizes.get(path)!, checksum: checksums.get(path)! });
  };
  await upload(paths.filter((path) => !isMetadata(path)));
  if (beside) await uploadFiles(s3, [beside], { signal: lost });
  for (const path of paths.filter(isMetadata)) await upload([path]);

  lost.throwIfAborted();
  const current = new Set(paths);
  const superseded = [...published.keys()].filter((path) => !current.has(path));
  await removeObjects(
    s3,
    superseded.map((path) => prefix + path),
  );
  return files;
}

/** Aborts the unfinished uploads of a bucket's files. */
async function abortBucketUploads(s3: S3Bucket, bucket: string): Promise<void> {
  await abortUploads(s3, `${bucket}.lance/`);
  await abortUploads(s3, `_partitions/${bucket}-`);
}

async function partitionFiles(s3: S3Bucket, bucket: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of listObjects(s3, `_partitions/${bucket}-`))
    if (isPartitionFile(path.slice('_partitions/'.length), bucket)) paths.push(path);
  return paths;
}

function ignored(): void {}
