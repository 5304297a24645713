import { join } from 'node:path';
import { openScratch } from '../../base/files/scratch.ts';
import type { TableFile } from '../../lance/table-files.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { downloadAround, downloadFiles } from '../../s3/transfer/download.ts';
import type { AroundFile } from '../../s3/transfer/download-around.ts';
import { COMPONENT_BYTES } from '../../vectors/vector-type.ts';
import type { CatalogEntry } from '../catalog/catalog-entry.ts';
import { folderReader } from '../node/folder-reader.ts';
import { NodeCache } from '../node/node-cache.ts';
import type { FetchOptions, NeededParts, OpenedTable } from '../node-tables.ts';
import { databaseHash } from './kept-tables.ts';

/**
 * Fetches the parts of a bucket's table that a search needs: an index and kept columns only where they are used, of the data files only the
 * ids where no vector is compared.
 * @param work folder that the tasks of this node share; undefined: a scratch folder, removed when the table is disposed of
 */
export async function fetchTable(
  s3: S3Bucket,
  entry: CatalogEntry,
  work: string | undefined,
  { neededParts, progress }: FetchOptions,
): Promise<OpenedTable> {
  const fetched = planFetch(entry, await neededParts());
  const { folder, release } = await (work === undefined
    ? fetchIntoScratch(s3, fetched, progress)
    : fetchIntoCache(s3, fetched, new NodeCache(work), progress));
  return { tables: folderReader(folder), entry: fetched.entry, [Symbol.asyncDispose]: release };
}

interface FetchedFolder {
  folder: string;
  release(): Promise<void>;
}

async function fetchIntoScratch(
  s3: S3Bucket,
  fetched: PlannedFetch,
  progress: FetchOptions['progress'],
): Promise<FetchedFolder> {
  const { folder, close } = await openScratch(process.cwd(), fetched.entry.bucket);
  await fetchParts(s3, fetched, folder, progress).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { folder, release: close };
}

async function fetchIntoCache(
  s3: S3Bucket,
  fetched: PlannedFetch,
  cache: NodeCache,
  progress: FetchOptions['progress'],
): Promise<FetchedFolder> {
  const { bucket, fingerprint } = fetched.entry;
  // A sparse file is incomplete: a search that needs vectors must not use it.
  const name = `${bucket}.${databaseHash(s3.uri)}.${fingerprint.slice(0, 12)}${fetched.sparse ? '-ids' : ''}`;
  const used = await cache.use(name, fetched.bytes);
  await cache
    .fill(used, () => fetchParts(s3, fetched, used.folder, progress))
    .catch(async (error: unknown) => {
      await used.release();
      throw error;
    });
  return { folder: used.folder, release: () => used.release() };
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
  const kept = new Set(entry.fragments?.map(({ columns }) => columns));
  const isData = (path: string) => path.startsWith('data/') && !kept.has(path);
  // Readers do not need transactions, and other clients remove them.
  const files = entry.files.filter(
    ({ path }) =>
      isData(path) ||
      (parts.columns && kept.has(path)) ||
      /^_(versions|deletions)\//.test(path) ||
      (parts.index && path.startsWith('_indices/')),
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
  const kept = new Set(fragments?.map(({ columns }) => columns));
  for (const { path, bytes } of files.filter((file) => file.path.startsWith('data/') && !kept.has(file.path))) {
    const { rows, offset, checksum } = byPath.get(path) ?? {};
    if (rows === undefined || offset === undefined || checksum === undefined) return undefined;
    const hole = { start: offset, end: offset + rows * dimension * COMPONENT_BYTES[vectorType] };
    const key = `${bucket}.lance/${path}`;
    around.push({ key, path: key, bytes, hole, checksum });
  }
  return around;
}
