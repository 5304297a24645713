import type { Dirent } from 'node:fs';
import { glob, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { checkFilePath } from '../../app/file-options.ts';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { systemErrorCode } from '../../base/errors.ts';
import { looksLikeS3 } from '../../base/s3-location.ts';
import { parseCsv, withoutByteOrderMark } from '../../base/text/csv-rows.ts';
import { readText } from '../../base/text/read-text.ts';
import { badSheet, noInputFiles, noSuchInput, sheetOnS3 } from '../forecast-messages.ts';

/** A file that a run would take. */
export interface InputFile {
  path: string;
  kind: 'fasta' | 'shard' | 'vectors';
  bytes: number;
}

/** Lists the objects at an address: one, or those directly in a folder. */
export type ListS3 = (uri: string) => Promise<readonly { path: string; bytes: number }[]>;

/** Files whose sizes are read at once: the answers come from disks and servers, not from this machine's cores. */
export const STATS_AT_ONCE = 64;
const KINDS: readonly [RegExp, InputFile['kind']][] = [
  [/\.(fa|fasta|faa)(\.gz|\.zst)?$/i, 'fasta'],
  [/\.(h5|hdf5)$/i, 'shard'],
  [/\.(parquet|npy)$/i, 'vectors'],
];

/**
 * Lists the files of `--input` or `--queries` with their sizes: one file, a folder, a glob, or a samplesheet with a column `path`, as
 * lib/InputFiles.groovy does; on S3 one file or a folder.
 * @throws UsageError where there are none
 */
export async function listInputs(option: string, value: string, listS3: ListS3): Promise<InputFile[]> {
  if (looksLikeS3(value)) return onS3(option, value, listS3);
  checkFilePath(`--${option}`, value);
  const paths = await pathsOf(option, value);
  const files = await mapConcurrently(paths, STATS_AT_ONCE, async (path): Promise<InputFile[]> => {
    if (looksLikeS3(path)) return onS3(option, path, listS3);
    const found = await stat(path).catch((error: unknown) => {
      throw noSuchInput(option, path, systemErrorCode(error) ?? 'unknown');
    });
    const kind = kindOf(path);
    if (kind === undefined || !found.isFile()) throw noInputFiles(option, path);
    return [{ path, kind, bytes: found.size }];
  });
  return files.flat();
}

async function onS3(option: string, uri: string, listS3: ListS3): Promise<InputFile[]> {
  if (uri.toLowerCase().endsWith('.csv')) throw sheetOnS3(option, uri);
  const files = (await listS3(uri)).flatMap(({ path, bytes }) => {
    const kind = kindOf(path);
    return kind === undefined || basename(path).startsWith('.') ? [] : [{ path, kind, bytes }];
  });
  if (files.length === 0) throw noInputFiles(option, uri);
  return files;
}

async function pathsOf(option: string, value: string): Promise<string[]> {
  const found = await stat(value).catch(() => undefined);
  if (found?.isDirectory()) return inFolder(option, value);
  if (found) return value.toLowerCase().endsWith('.csv') ? inSheet(option, value) : [value];
  if (!/[*?[{]/.test(value)) throw noSuchInput(option, value, 'ENOENT');
  const matching = (await Array.fromAsync(glob(value))).sort();
  if (matching.length === 0) throw noInputFiles(option, value);
  return matching;
}

async function inFolder(option: string, folder: string): Promise<string[]> {
  const isInput = ({ name }: Dirent) => !name.startsWith('.') && kindOf(name) !== undefined;
  const entries = (await readdir(folder, { withFileTypes: true })).filter(
    (entry) => isInput(entry) && !entry.isDirectory(),
  );
  if (entries.length === 0) throw noInputFiles(option, folder);
  return entries.map(({ name }) => join(folder, name)).sort();
}

/** Reads the column `path` of a samplesheet. */
async function inSheet(option: string, sheet: string): Promise<string[]> {
  const [head = [], ...rows] = parseCsv(withoutByteOrderMark(await readText(sheet)));
  const column = head.indexOf('path');
  // An empty line is no row.
  const paths = rows.filter((row) => row.some((cell) => cell !== '')).map((row) => row[column] ?? '');
  if (column < 0 || paths.length === 0 || paths.includes('')) throw badSheet(option, sheet);
  return paths.map((path) => (looksLikeS3(path) ? path : resolve(dirname(sheet), path)));
}

function kindOf(path: string): InputFile['kind'] | undefined {
  return KINDS.find(([ending]) => ending.test(basename(path)))?.[1];
}
