import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mirrorTable, newestVersion, type TableFile } from '../../lance/table-files.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { downloadFiles } from '../../s3/transfer/download.ts';
import type { IngestRecord } from '../catalog/catalog-entry.ts';
import { reserveScratch } from '../node/reserve.ts';
import type { NodeTables } from '../node-tables.ts';
import type { TableReader } from '../table-reader.ts';
import { fetchTable } from './fetch-table.ts';
import { KeptTables } from './kept-tables.ts';

/** Fetches tables from S3, to be indexed or searched. @param work folder that the tasks of this node share */
export function s3NodeTables(s3: S3Bucket, tables: TableReader, work: string | undefined): NodeTables {
  const scratch = work ?? process.cwd();
  return {
    scratch,
    reserve: (folder, bytes) => reserveScratch(work, process.cwd(), folder, bytes),
    async mirror(record, folder) {
      const { bucket, recipe = '', table } = record;
      const fetch = (to: string) => fetchWithoutIndex(s3, tables, record, to);
      if (work === undefined) return fetch(folder);
      await new KeptTables(work, s3.uri).withTable({ bucket, recipe, bytes: table!.dataBytes }, fetch, (from) =>
        mirrorTable(from, folder, isNoIndex),
      );
    },
    openForSearch: async (entry, options) =>
      options.stream ? { tables, entry, async [Symbol.asyncDispose]() {} } : fetchTable(s3, entry, work, options),
  };
}

/** Fetches the files that an index is built of, and sparse ones for the others. */
async function fetchWithoutIndex(
  s3: S3Bucket,
  tables: TableReader,
  { bucket, table }: IngestRecord,
  to: string,
): Promise<void> {
  const sizes = await tables.sizes(bucket);
  const recorded = new Map(table?.files?.map((file) => [file.path, file]));
  const paths = newestVersion(sizes.keys()).filter(isNoIndex);
  // A version that an interrupted build has published since is not recorded: its checksums are those of the objects.
  const isRecorded = (path: string) => recorded.get(path)?.bytes === sizes.get(path);
  const others = paths.filter((path) => !isRecorded(path));
  const checksums = await tables.checksums(
    others.map((path) => ({ path: `${bucket}.lance/${path}`, bytes: sizes.get(path)! })),
  );
  const computed = new Map(others.map((path, i) => [path, checksums[i]!]));
  const files = paths.map((path): TableFile => {
    return { path, bytes: sizes.get(path)!, checksum: computed.get(path) ?? recorded.get(path)!.checksum };
  });
  // No index is built of kept columns: a sparse file of the size stands for each, whose checksum is recorded.
  const kept = new Set(table?.fragments?.map(({ columns }) => columns));
  const isSparse = ({ path }: TableFile) => kept.has(path) && isRecorded(path);
  await downloadFiles(
    s3,
    files
      .filter((file) => !isSparse(file))
      .map((file) => ({ ...file, key: `${bucket}.lance/${file.path}`, path: join(to, file.path) })),
  );
  for (const { path, bytes } of files.filter(isSparse)) await writeSparse(join(to, path), bytes);
}

async function writeSparse(path: string, bytes: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await using file = await open(path, 'w');
  await file.truncate(bytes);
}

function isNoIndex(path: string): boolean {
  return !path.startsWith('_indices/');
}
