import { open, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checksumOf } from '../../base/bytes/file-checksum.ts';
import { removeStale } from '../../base/files/temporary.ts';
import { findStats, ifMissing } from '../../base/if-missing.ts';
import { fileSizes, mirrorTable, placeFile, publishTable } from '../../lance/table-files.ts';
import { openTable } from '../../lance/tables.ts';
import { reserveSpace } from '../node/disk-marks.ts';
import { NodeCache } from '../node/node-cache.ts';
import { isPartitionFile } from '../partitions.ts';
import { shortTableFile, unopenedTableFile } from '../table-file-errors.ts';
import type { RangeFile, TableStore } from '../table-store.ts';

/** The tables of a database in a folder: made inside it and renamed, worked on through hard links, opened in place. */
export function localTables(root: string): TableStore {
  const at = (bucket: string) => join(root, `${bucket}.lance`);
  return {
    work: undefined,
    scratch: root,
    size: async (path) => (await findStats(join(root, path)))?.size,
    sizes: (bucket, folder = '') => fileSizes(at(bucket), folder),
    read: (path) => readFile(join(root, path)),
    pathOf: (path) => join(root, path),
    openFile: (path) => openLocalFile(join(root, path)),
    checksum: (path, algorithm) => checksumOf(join(root, path), algorithm),
    open: (bucket) => openTable(root, bucket),
    async mirror({ bucket }, to) {
      await mirrorTable(at(bucket), to, (path) => !path.startsWith('_indices/'));
    },
    async publish({ bucket, folder, partitions }) {
      await publishTable(folder, at(bucket));
      if (partitions) await publishPartitions(root, bucket, partitions);
      return undefined;
    },
    // The database itself is at hand.
    async endUploads() {},
    reserve: (work, scratch, bytes) =>
      work === undefined
        ? reserveSpace(join(root, '_pending'), scratch, bytes)
        : new NodeCache(work).reserve(scratch, bytes),
    async keep() {},
    async forget() {},
    async remove(bucket) {
      await rm(at(bucket), { recursive: true, force: true });
      await removeStale(join(root, bucket));
    },
    async contents() {
      const names = await readdir(root);
      return {
        tables: names.filter((name) => name.endsWith('.lance')),
        leftovers: names
          .filter((name) => /^\..*\.tmp$/.test(name))
          .map((name) => `${name} is a temporary folder of a build that runs or was killed`),
      };
    },
  };
}

/** Moves the partition file into the database and removes those of earlier builds of the bucket. */
async function publishPartitions(
  root: string,
  bucket: string,
  partitions: { file: string; path: string } | 'none',
): Promise<void> {
  const folder = join(root, '_partitions');
  const own = partitions === 'none' ? undefined : basename(partitions.path);
  if (partitions !== 'none') await placeFile(partitions.file, join(root, partitions.path));
  for (const name of await readdir(folder).catch(ifMissing([])))
    if (name !== own && isPartitionFile(name, bucket)) await rm(join(folder, name), { force: true });
}

async function openLocalFile(path: string): Promise<RangeFile> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw unopenedTableFile(path, error);
  });
  return {
    async read(into, position) {
      for (let at = 0; at < into.length; ) {
        const { bytesRead } = await file.read(into, at, into.length - at, position + at);
        if (bytesRead === 0) throw shortTableFile(path);
        at += bytesRead;
      }
    },
    close: () => file.close(),
  };
}
