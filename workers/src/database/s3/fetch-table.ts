import { join } from 'node:path';
import { withScratch } from '../../base/files/scratch.ts';
import type { TableFile } from '../../lance/table-files.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { downloadFiles } from '../../s3/transfer/download.ts';
import { type AroundFile, downloadAround } from '../../s3/transfer/download-around.ts';
import { COMPONENT_BYTES } from '../../vectors/vector-type.ts';
import type { CatalogEntry } from '../catalog/catalog-entry.ts';
import { folderReader } from '../node/folder-reader.ts';
import { NodeCache } from '../node/node-cache.ts';
import type { FetchOptions, NeededParts } from '../node-tables.ts';
import type { TableReader } from '../table-reader.ts';
import { databaseHash } from './kept-tables.ts';

/**
 * Runs a search of a bucket's table, of which the parts that it needs are fetched first: an index only where one is used, of the
 * data files only the ids where no vector is compared.
 * @param work folder that the tasks of this node share; undefined: a scratch folder, removed after the search
 * @param search gets the fetched table, and the entry with the parts that it has
 */
export async function withFetchedTable<T>(
  s3: S3Bucket,
  entry: CatalogEntry,
  work: string | undefined,
  { neededParts, progress }: FetchOptions,
  search: (tables: TableReader, entry: CatalogEntry) => Promise<T>,
): Promise<T> {
  const fetched = planFetch(entry, await neededParts());
  const use = (folder: string) => search(folderReader(folder), fetched.entry);
  const { bucket } = entry;
  if (work === undefined)
    return withScratch(process.cwd(), bucket, async (scratch) => {
      await fetchParts(s3, fetched, scratch, progress);
      return use(scratch);
    });
  const cache = new NodeCache(work);
  // A sparse file is incomplete: a search that needs vectors must not use it.
  const name = `${bucket}.${databaseHash(s3.uri)}.${entry.fingerprint.slice(0, 12)}${fetched.sparse ? '-ids' : ''}`;
  const used = await cache.use(name, fetched.bytes);
  try {
    await cache.fill(used, () => fetchParts(s3, fetched, used.folder, progress));
    return await use(used.folder);
  } finally {
    await used.release();
  }
}

interface PlannedFetch {
  /** The entry, with the files and partitions that are fetched. */
  entry: CatalogEntry;
  /** Files that are fetched whole; paths are relative to the database. */
  whole: TableFile[];
  /** Data files that are fetched without their vectors. */
  sparse: AroundFile[] | undefined;
  /** To be fetched in all. */
  bytes: number;
}

function planFetch(entry: CatalogEntry, parts: NeededParts): PlannedFetch {
  const { bucket, partitions, ...rest } = entry;
  const sparse = parts.vectors ? undefined : filesWithoutVectors(entry);
  const isData = (path: string) => path.startsWith('data/');
  // Readers do not need transactions, and other clients remove them.
  const files = entry.files.filter(
    ({ path }) => isData(path) || path.startsWith('_versions/') || (parts.index && path.startsWith('_indices/')),
  );
  const whole = files
    .filter(({ path }) => !(sparse && isData(path)))
    .map((file) => ({ ...file, path: `${bucket}.lance/${file.path}` }));
  const fetchesPartitions = parts.partitions && partitions !== undefined;
  if (fetchesPartitions) whole.push(partitions);
  const bytes =
    whole.reduce((sum, file) => sum + file.bytes, 0) +
    (sparse ?? []).reduce((sum, { bytes: size, hole }) => sum + size - (hole.end - hole.start), 0);
  return { entry: { bucket, ...rest, ...(fetchesPartitions ? { partitions } : {}), files }, whole, sparse, bytes };
}

async function fetchParts(
  s3: S3Bucket,
  { entry, whole, sparse = [], bytes }: PlannedFetch,
  folder: string,
  progress: FetchOptions['progress'],
): Promise<void> {
  const bar = progress(`fetching ${entry.bucket}`, bytes, 'bytes');
  const onProgress = (count: number) => bar.add(count);
  const target = (path: string) => ({ key: path, path: join(folder, path) });
  try {
    await downloadFiles(
      s3,
      whole.map((file) => ({ ...file, ...target(file.path) })),
      { onProgress },
    );
    await downloadAround(
      s3,
      sparse.map((file) => ({ ...file, ...target(file.key) })),
      onProgress,
    );
  } finally {
    bar.stop();
  }
}

/** Data files with the ranges of their vectors; undefined where the catalog lacks a range, or the checksum of the rest of a file. */
function filesWithoutVectors({
  bucket,
  dimension,
  vectorType,
  files,
  fragments,
}: CatalogEntry): AroundFile[] | undefined {
  const byPath = new Map(fragments?.map((fragment) => [fragment.path, fragment]));
  const around: AroundFile[] = [];
  for (const { path, bytes } of files.filter((file) => file.path.startsWith('data/'))) {
    const { rows, offset, checksum } = byPath.get(path) ?? {};
    if (rows === undefined || offset === undefined || checksum === undefined) return undefined;
    const hole = { start: offset, end: offset + rows * dimension * COMPONENT_BYTES[vectorType] };
    const key = `${bucket}.lance/${path}`;
    around.push({ key, path: key, bytes, hole, checksum });
  }
  return around;
}
