import type { Dirent } from 'node:fs';
import { glob, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { checkFilePath } from '../../app/file-options.ts';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { systemErrorCode } from '../../base/errors.ts';
import { looksLikeS3 } from '../../base/s3-location.ts';
import { badSheet, inputOnS3, noInputFiles, noSuchInput } from '../forecast-messages.ts';

/** A file that a run would take. */
export interface InputFile {
  path: string;
  kind: 'fasta' | 'shard' | 'vectors';
  bytes: number;
}

/** Files whose sizes are read at once: the answers come from disks and servers, not from this machine's cores. */
export const STATS_AT_ONCE = 64;
const KINDS: readonly [RegExp, InputFile['kind']][] = [
  [/\.(fa|fasta|faa)(\.gz|\.zst)?$/i, 'fasta'],
  [/\.(h5|hdf5)$/i, 'shard'],
  [/\.(parquet|npy)$/i, 'vectors'],
];

/**
 * Lists the files of `--input` or `--queries` with their sizes: one file, a folder, a glob, or a samplesheet with a column `path`, as
 * lib/InputFiles.groovy does.
 * @throws UsageError where there are none
 */
export async function listInputs(option: string, value: string): Promise<InputFile[]> {
  if (looksLikeS3(value)) throw inputOnS3(option, value);
  checkFilePath(`--${option}`, value);
  const paths = await pathsOf(option, value);
  return mapConcurrently(paths, STATS_AT_ONCE, async (path) => {
    const found = await stat(path).catch((error: unknown) => {
      throw noSuchInput(option, path, systemErrorCode(error) ?? 'unknown');
    });
    const kind = kindOf(path);
    if (kind === undefined || !found.isFile()) throw noInputFiles(option, path);
    return { path, kind, bytes: found.size };
  });
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

/** Reads the column `path` of a samplesheet; cells may be quoted. */
async function inSheet(option: string, sheet: string): Promise<string[]> {
  const [head, ...lines] = (await readFile(sheet, 'utf8')).replace(/^\uFEFF/, '').split(/\r?\n/);
  const column = cellsOf(head!).indexOf('path');
  if (column < 0) throw badSheet(option, sheet);
  const paths = lines.filter((line) => line.trim() !== '').map((line) => cellsOf(line)[column] ?? '');
  if (paths.length === 0 || paths.includes('')) throw badSheet(option, sheet);
  return paths.map((path) => resolve(dirname(sheet), path));
}

function cellsOf(line: string): string[] {
  const cells = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g);
  return Array.from(cells, ([, quoted, plain]) => (quoted?.replaceAll('""', '"') ?? plain ?? '').trim());
}

function kindOf(path: string): InputFile['kind'] | undefined {
  return KINDS.find(([ending]) => ending.test(basename(path)))?.[1];
}
