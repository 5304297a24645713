import { join } from 'node:path';
import { openScratch } from '../../base/files/scratch.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { downloadAround, downloadFiles } from '../../s3/transfer/download.ts';
import type { CatalogEntry } from '../catalog/catalog-entry.ts';
import { folderReader } from '../node/folder-reader.ts';
import { NodeCache } from '../node/node-cache.ts';
import { type PlannedFetch, planFetch } from '../node/plan-fetch.ts';
import type { FetchOptions, OpenedTable } from '../node-tables.ts';
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
      sparse.map((file) => ({ ...file, ...target(file.path) })),
      onProgress,
    );
  } finally {
    bar.stop();
  }
}
