import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { checkFilePath } from '../../app/file-options.ts';
import { CRC64 } from '../../base/bytes/checksum.ts';
import { DataError } from '../../base/errors.ts';
import type { TableFile } from '../../lance/table-files.ts';
import { mirrorTable, newestVersion } from '../../lance/table-files.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { describeObject } from '../../s3/describe-object.ts';
import { listObjects, listSubfolders, removeObjects } from '../../s3/objects.ts';
import { fetchBlocks, readRange } from '../../s3/range.ts';
import { downloadFiles } from '../../s3/transfer/download.ts';
import { openUploads } from '../../s3/transfer/upload.ts';
import type { IngestRecord } from '../catalog/catalog-entry.ts';
import { reserveSpace } from '../node/disk-marks.ts';
import { NodeCache } from '../node/node-cache.ts';
import { isPartitionFile } from '../partitions.ts';
import type { TableStore } from '../table-store.ts';
import { bringTable } from './bring.ts';
import { openInPlace } from './open-in-place.ts';
import { endUploads, publishToS3 } from './publish.ts';
import { openRange } from './range-file.ts';

function workFolder(): string | undefined {
  const folder = process.env.LANCEFLOW_WORK || undefined;
  if (folder !== undefined) checkFilePath('LANCEFLOW_WORK', folder);
  return folder;
}

/** The tables of a database on S3: made in a scratch folder and copied there, fetched to be worked on. */
export function s3Tables(s3: S3Bucket): TableStore {
  /** Distinguishes databases on one node. */
  const database = createHash('sha256').update(s3.uri).digest('hex').slice(0, 8);
  const keptName = ({ bucket, recipe = '' }: IngestRecord) => `${bucket}.${database}.table-${recipe.slice(0, 12)}`;

  async function size(path: string): Promise<number | undefined> {
    return (await describeObject(s3, path))?.bytes;
  }

  async function requireSize(path: string): Promise<number> {
    const bytes = await size(path);
    if (bytes === undefined) throw new DataError(`${s3.uri}/${path}: no such object. Build the bucket again.`);
    return bytes;
  }

  async function sizes(bucket: string, folder = ''): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    const prefix = `${bucket}.lance/`;
    for await (const { path, bytes } of listObjects(s3, `${prefix}${folder}`))
      found.set(path.slice(prefix.length), bytes);
    return found;
  }

  async function partitionFiles(bucket: string): Promise<string[]> {
    const paths: string[] = [];
    for await (const { path } of listObjects(s3, `_partitions/${bucket}-`))
      if (isPartitionFile(path.slice('_partitions/'.length), bucket)) paths.push(path);
    return paths;
  }

  /** Fetches a table without its index. */
  async function fetchTable({ bucket, table }: IngestRecord, to: string): Promise<void> {
    const there = await sizes(bucket);
    const known = new Map(table?.files?.map((file) => [file.path, file]));
    const wanted = newestVersion(there.keys()).filter((path) => !path.startsWith('_indices/'));
    const files: TableFile[] = [];
    for (const path of wanted) {
      const bytes = there.get(path)!;
      const file = known.get(path);
      // Of a version that an interrupted build has made since, nothing is recorded: what is fetched is what there is.
      const sum = file?.bytes === bytes ? file.checksum : await checksum(`${bucket}.lance/${path}`);
      files.push({ path, bytes, checksum: sum });
    }
    await downloadFiles(
      s3,
      files.map((file) => ({ ...file, key: `${bucket}.lance/${file.path}`, path: join(to, file.path) })),
    );
  }

  async function checksum(path: string, algorithm = CRC64): Promise<string> {
    const bytes = await requireSize(path);
    return algorithm.format(await fetchBlocks(s3, path, 0, bytes, async () => {}, { algorithm }));
  }

  return {
    work: workFolder(),
    scratch: process.cwd(),
    size,
    sizes,
    async read(path) {
      const bytes = new Uint8Array(await requireSize(path));
      await readRange(s3, path, 0, bytes.length, bytes);
      return bytes;
    },
    openFile: async (path) => openRange(s3, path),
    checksum,
    bring: (entry, parts, options) => bringTable(s3, database, entry, parts, options),
    open: (bucket) => openInPlace(s3, bucket),
    async mirror(record, to, work) {
      if (work === undefined) return fetchTable(record, to);
      const cache = new NodeCache(work);
      const entry = await cache.use(keptName(record), record.table!.dataBytes);
      try {
        await cache.fill(entry, () => fetchTable(record, join(entry.folder, `${record.bucket}.lance`)));
        await mirrorTable(join(entry.folder, `${record.bucket}.lance`), to, (path) => !path.startsWith('_indices/'));
      } finally {
        await entry.release();
      }
    },
    reserve: (work, scratch, bytes) =>
      work === undefined ? reserveSpace(process.cwd(), scratch, bytes) : new NodeCache(work).reserve(scratch, bytes),
    async keep(record, folder, work) {
      if (work !== undefined) await new NodeCache(work).adopt(keptName(record), folder);
    },
    async forget({ bucket }, work) {
      if (work !== undefined) await new NodeCache(work).drop(`${bucket}.${database}.table-`);
    },
    publish: (table) => publishToS3(s3, table, sizes, partitionFiles),
    endUploads: (bucket) => endUploads(s3, bucket),
    async remove(bucket) {
      await endUploads(s3, bucket);
      const paths = [...(await sizes(bucket)).keys()].map((path) => `${bucket}.lance/${path}`);
      await removeObjects(s3, [...paths, ...(await partitionFiles(bucket))]);
    },
    async contents() {
      const folders = await listSubfolders(s3, '');
      const leftovers: string[] = [];
      for await (const { path } of openUploads(s3, ''))
        leftovers.push(`${path} is an unfinished upload of a build that runs or was killed`);
      return { tables: folders.filter((name) => name.endsWith('.lance')), leftovers };
    },
  };
}
