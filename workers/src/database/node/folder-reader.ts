import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { algorithmOf } from '../../base/bytes/checksum.ts';
import { checksumOfFile } from '../../base/bytes/file-checksum.ts';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { findStats } from '../../base/missing-files.ts';
import { fileSizes } from '../../lance/table-files.ts';
import { openTable } from '../../lance/tables.ts';
import { truncatedTableFile, unopenedTableFile } from '../table-file-errors.ts';
import type { RangeFile, TableReader } from '../table-reader.ts';

const FILES_AT_ONCE = 8;

/** Reads tables in a local folder: a database, a fetched table, or a scratch folder. */
export function folderReader(folder: string): TableReader {
  const at = (path: string) => join(folder, path);
  return {
    folder,
    size: async (path) => (await findStats(at(path)))?.size,
    sizes: (bucket, within = '') => fileSizes(at(`${bucket}.lance`), within),
    read: (path) => readFile(at(path)),
    openFile: (path) => openLocalFile(at(path)),
    checksums: (files, onProgress = () => {}) =>
      mapConcurrently(files, FILES_AT_ONCE, async ({ path, bytes, checksum }) => {
        const found = await checksumOfFile(at(path), algorithmOf(checksum));
        onProgress(bytes);
        return found;
      }),
    open: (bucket) => openTable(folder, bucket),
  };
}

async function openLocalFile(path: string): Promise<RangeFile> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw unopenedTableFile(path, error);
  });
  return {
    async read(into, position) {
      for (let at = 0; at < into.length; ) {
        const { bytesRead } = await file.read(into, at, into.length - at, position + at);
        if (bytesRead === 0) throw truncatedTableFile(path);
        at += bytesRead;
      }
    },
    close: () => file.close(),
  };
}
