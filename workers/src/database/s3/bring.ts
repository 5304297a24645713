import { join } from 'node:path';
import { openScratch } from '../../base/files/scratch.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { downloadFiles } from '../../s3/transfer/download.ts';
import { type AroundFile, downloadAround } from '../../s3/transfer/download-around.ts';
import { COMPONENT_BYTES } from '../../vectors/vector-type.ts';
import type { CatalogEntry } from '../catalog/catalog-entry.ts';
import { NodeCache } from '../node/node-cache.ts';
import type { BringOptions, BroughtTable, NeededParts } from '../table-store.ts';

/**
 * Brings what a search needs of a table to this machine: no index where none is asked, of the data files only the ids where
 * no vector is looked at.
 * @param database distinguishes it from others on this node
 */
export async function bringTable(
  s3: S3Bucket,
  database: string,
  entry: CatalogEntry,
  parts: NeededParts,
  { work, progress }: BringOptions,
): Promise<BroughtTable> {
  const { bucket, fingerprint } = entry;
  const around = parts.vectors ? undefined : aroundVectors(entry);
  const isData = (path: string) => path.startsWith('data/');
  // What made a version is of no use to who reads it, and other clients remove it.
  const files = entry.files.filter(
    ({ path }) => isData(path) || path.startsWith('_versions/') || (parts.index && path.startsWith('_indices/')),
  );
  const whole = files
    .filter(({ path }) => !(around && isData(path)))
    .map((file) => ({ ...file, path: `${bucket}.lance/${file.path}` }));
  if (parts.partitions && entry.partitions) whole.push(entry.partitions);
  const bytes =
    whole.reduce((sum, file) => sum + file.bytes, 0) +
    (around ?? []).reduce((sum, { bytes: size, hole }) => sum + size - (hole.end - hole.start), 0);

  const fetch = async (folder: string) => {
    const bar = progress(`fetching ${bucket}`, bytes, 'bytes');
    const onProgress = (count: number) => bar.add(count);
    try {
      const here = (path: string) => ({ key: path, path: join(folder, path) });
      await downloadFiles(
        s3,
        whole.map((file) => ({ ...file, ...here(file.path) })),
        { onProgress },
      );
      await downloadAround(
        s3,
        (around ?? []).map((file) => ({ ...file, ...here(file.key) })),
        onProgress,
      );
    } finally {
      bar.stop();
    }
  };

  if (work === undefined) {
    const scratch = await openScratch(process.cwd(), bucket);
    await fetch(scratch.folder).catch(async (error: unknown) => {
      await scratch.close();
      throw error;
    });
    return { folder: scratch.folder, files, release: scratch.close };
  }
  const cache = new NodeCache(work);
  // Files with holes are not those of who needs the vectors.
  const name = `${bucket}.${database}.${fingerprint.slice(0, 12)}${around ? '-ids' : ''}`;
  const used = await cache.use(name, bytes);
  await cache
    .fill(used, () => fetch(used.folder))
    .catch(async (error: unknown) => {
      await used.release();
      throw error;
    });
  return { folder: used.folder, files, release: used.release };
}

/** The data files without their vectors; undefined where it is not known of each where they lie, or what is around them. */
function aroundVectors({ bucket, dimension, vectorType, files, fragments }: CatalogEntry): AroundFile[] | undefined {
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
