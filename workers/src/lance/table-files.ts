import { copyFile, link, mkdir, readdir, rename, rm, rmdir, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { systemErrorCode } from '../base/errors.ts';
import { temporaryName } from '../base/files/temporary.ts';
import { findStats, returnIfMissing } from '../base/missing-files.ts';
import type { TableManifest } from './format/table-manifest.ts';

const VERSIONS = '_versions/';
const TRANSACTIONS = '_transactions/';

/** A file of a table as the catalog describes it. */
export interface TableFile {
  /** Relative to the table's folder. */
  path: string;
  bytes: number;
  /** `crc64:` or `crc32:` and the value in hexadecimal digits. */
  checksum: string;
}

/** Returns the sizes of a table's files, or of those in `under`, by paths relative to `folder`; none if the table is missing. */
export async function fileSizes(folder: string, under = ''): Promise<Map<string, number>> {
  const names = await readdir(join(folder, under), { recursive: true, withFileTypes: true }).catch(returnIfMissing([]));
  const sizes = new Map<string, number>();
  for (const entry of names) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    const info = await findStats(path);
    if (info) sizes.set(relative(folder, path), info.size);
  }
  return sizes;
}

/**
 * Returns the files of a table's newest version if it was only appended to and indexed once: all but the manifests and
 * transactions of older versions. Lance names manifests so that the newest sorts first.
 * @param paths relative to the table's folder
 * @returns data and index files first, the manifest last
 */
export function newestVersion(paths: Iterable<string>): string[] {
  const sorted = [...paths].sort();
  const manifests = sorted.filter((path) => path.startsWith(VERSIONS) && path.endsWith('.manifest'));
  const transactions = sorted
    .filter((path) => path.startsWith(TRANSACTIONS))
    .sort((a, b) => startVersion(b) - startVersion(a));
  const others = sorted.filter((path) => !isMetadata(path));
  return [...others, ...transactions.slice(0, 1), ...manifests.slice(0, 1)];
}

/** Returns whether a file lists the contents of a table: such files are written last. */
export function isMetadata(path: string): boolean {
  return path.startsWith(VERSIONS) || path.startsWith(TRANSACTIONS);
}

/** Returns the files of the newest version of the table in `folder`, in the order of `newestVersion`. */
export async function currentFiles(folder: string): Promise<string[]> {
  return newestVersion((await fileSizes(folder)).keys());
}

/** Returns the byte count of a table's data files. @param sizes of all its files */
export function dataBytes(sizes: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const [path, bytes] of sizes) if (path.startsWith('data/')) sum += bytes;
  return sum;
}

/** Returns 12 for `_transactions/12-<uuid>.txn`, which made version 13 from version 12. */
function startVersion(path: string): number {
  return Number.parseInt(path.slice(TRANSACTIONS.length), 10);
}

/** Returns whether all files of a table are present with their sizes. */
export function hasFiles(sizes: ReadonlyMap<string, number>, files: readonly TableFile[]): boolean {
  return files.every(({ path, bytes }) => sizes.get(path) === bytes);
}

/**
 * Returns the data and index files that no version of a table has: those of a version that was never published. Index files are kept where
 * the table has other versions, because only their data files are known.
 * @param sizes of all files
 * @param files of the published version
 * @param others the manifests of all other versions, which other clients made
 */
export function unnamedFiles(
  sizes: ReadonlyMap<string, number>,
  files: readonly TableFile[],
  others: readonly Pick<TableManifest, 'fragments'>[],
): string[] {
  const named = new Set(files.map(({ path }) => path));
  for (const { fragments } of others)
    for (const fragment of fragments) for (const { path } of fragment.files) named.add(`data/${path}`);
  const folders = others.length === 0 ? ['data/', '_indices/'] : ['data/'];
  return [...sizes.keys()].filter((path) => !named.has(path) && folders.some((folder) => path.startsWith(folder)));
}

/**
 * Makes a folder in which a table can be indexed without touching the original: its files are hard links, or symbolic links if
 * the file systems differ. Lance never changes a file once it is written.
 */
export async function mirrorTable(from: string, to: string, wanted: (path: string) => boolean): Promise<void> {
  for (const path of (await currentFiles(from)).filter(wanted)) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await link(join(from, path), join(to, path)).catch((error: unknown) => {
      if (systemErrorCode(error) !== 'EXDEV' && systemErrorCode(error) !== 'EPERM') throw error;
      return symlink(join(from, path), join(to, path));
    });
  }
}

/**
 * Publishes the newest version of a table to `to`: moves the files that are missing there, data first, the manifest last, then
 * removes files of other versions. If it is killed at any moment, it can be run again.
 */
export async function publishTable(from: string, to: string): Promise<void> {
  const paths = await currentFiles(from);
  for (const path of paths) await placeFile(join(from, path), join(to, path));
  const wanted = new Set(paths);
  const present = await readdir(to, { recursive: true, withFileTypes: true });
  for (const entry of present) {
    const path = relative(to, join(entry.parentPath, entry.name));
    if (!entry.isDirectory() && !wanted.has(path)) await rm(join(to, path), { force: true });
  }
  // Deepest first. Folders that are not empty stay.
  const folders = present.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  for (const folder of folders.sort((a, b) => b.length - a.length)) await rmdir(folder).catch(ifFilled);
}

function ifFilled(error: unknown): void {
  if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(systemErrorCode(error) ?? '')) throw error;
}

/** Moves a file atomically; copies it if the file systems differ. */
export async function placeFile(from: string, to: string): Promise<void> {
  const [source, target] = await Promise.all([stat(from), findStats(to)]);
  if (target && target.ino === source.ino && target.dev === source.dev) return;
  await mkdir(dirname(to), { recursive: true });
  if (source.dev === (await stat(dirname(to))).dev) return rename(from, to);
  const temporary = temporaryName(to);
  try {
    await copyFile(from, temporary);
    await rename(temporary, to);
  } finally {
    await rm(temporary, { force: true });
  }
}
