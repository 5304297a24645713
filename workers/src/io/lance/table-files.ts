import { createReadStream } from 'node:fs';
import { copyFile, link, mkdir, readdir, rename, rm, rmdir, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { crc32 } from 'node:zlib';
import type { TableFile } from '../../core/catalog.ts';
import { systemErrorCode } from '../../errors.ts';
import { temporaryName } from '../files.ts';

const VERSIONS = '_versions/';
const TRANSACTIONS = '_transactions/';

/**
 * The files that make up the newest version of a table that was only appended to and indexed once: everything
 * but the manifests and transactions of older versions. Lance names manifests so that the newest sorts first.
 * @param folder `<database>/<bucket>.lance`
 * @returns none where there is no table; otherwise paths relative to `folder`: data and index files first, the manifest last
 */
export async function currentFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  });
  const paths = names
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
  const manifests = paths.filter((path) => path.startsWith(VERSIONS) && path.endsWith('.manifest'));
  const transactions = paths
    .filter((path) => path.startsWith(TRANSACTIONS))
    .sort((a, b) => startVersion(b) - startVersion(a));
  const others = paths.filter((path) => !path.startsWith(VERSIONS) && !path.startsWith(TRANSACTIONS));
  return [...others, ...transactions.slice(0, 1), ...manifests.slice(0, 1)];
}

/** `_transactions/12-<uuid>.txn` made version 13 from version 12. */
function startVersion(path: string): number {
  return Number.parseInt(path.slice(TRANSACTIONS.length), 10);
}

/** Whether all files of a table are there, as long as they were. */
export async function hasFiles(folder: string, files: readonly TableFile[]): Promise<boolean> {
  for (const { path, bytes } of files) {
    const info = await stat(join(folder, path)).catch(() => undefined);
    if (info?.size !== bytes) return false;
  }
  return true;
}

/** Sizes and checksums of files of a table. */
export function describeFiles(folder: string, paths: readonly string[]): Promise<TableFile[]> {
  return Promise.all(
    paths.map(async (path) => {
      const { size } = await stat(join(folder, path));
      return { path, bytes: size, crc32: await checksumOf(join(folder, path)) };
    }),
  );
}

/** CRC-32 of a file, hex. */
export async function checksumOf(path: string): Promise<string> {
  let value = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) value = crc32(chunk as Buffer, value);
  return value.toString(16).padStart(8, '0');
}

/**
 * Makes a folder in which a table can be worked on without touching the original: its files are hard links,
 * or symbolic links where the file systems differ. Lance never changes a file once it is written.
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
 * Brings the newest version of a table to `to`: what the destination lacks, data first, manifest last, then
 * away with what no longer belongs to it. Killed anywhere, it can be run again.
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
  // Deepest first; those that still hold something stay.
  const folders = present.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  for (const folder of folders.sort((a, b) => b.length - a.length)) await rmdir(folder).catch(() => {});
}

/** Moves a file, or copies it where the file systems differ; whole or not at all. */
export async function placeFile(from: string, to: string): Promise<void> {
  const [source, target] = await Promise.all([stat(from), stat(to).catch(() => undefined)]);
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
