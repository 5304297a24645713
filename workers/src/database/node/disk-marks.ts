import { rmSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, rmdir, statfs, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { onStop } from '../../app/signals.ts';
import { TransientError } from '../../base/errors.ts';
import { hasEnded, processName } from '../../base/files/process-name.ts';
import { temporaryName } from '../../base/files/temporary.ts';
import { findStats, returnIfMissing } from '../../base/missing-files.ts';
import { tooLittleSpace } from '../database-messages.ts';

const HEARTBEAT_MS = 60_000;
/**
 * A mark that was not renewed for this long belongs to a dead process, of another container or of a lost machine. So does a mark whose
 * time is in the future: the processes of a node share its clock, which must have been set back.
 */
const SILENT_MS = 10 * HEARTBEAT_MS;
/** Each retry means that another process has removed the empty folder. */
const MAX_TRIES = 20;
/** Folder of the reservations. */
const RESERVATIONS = '.reserved';

/** Marks of this process, removed when a signal stops it. */
const own = new Set<string>();
let listens = false;

/** A file that shows that this process is alive, until it is released. */
export interface Mark {
  path: string;
  release: () => Promise<void>;
}

/** Places a mark in a folder. @param text further lines of it */
export async function placeMark(folder: string, text = ''): Promise<Mark> {
  if (!listens) onStop(() => own.forEach((path) => void rmSync(path, { force: true })));
  listens = true;
  const path = join(folder, basename(temporaryName(processName())));
  own.add(path);
  await makeIn(folder, () => writeFile(path, `${processName()}${text === '' ? '' : '\n'}${text}`));
  // One failed beat does no harm: others follow.
  const heartbeat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), HEARTBEAT_MS);
  heartbeat.unref();
  return {
    path,
    async release() {
      clearInterval(heartbeat);
      await rm(path, { force: true });
      own.delete(path);
    },
  };
}

/** Runs `make` after creating its folder. Retries if another process removes the empty folder in between. */
export async function makeIn<T>(folder: string, make: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      await mkdir(folder, { recursive: true });
      return await make();
    } catch (error) {
      if (tries === MAX_TRIES) throw error;
      returnIfMissing(undefined)(error);
    }
}

/** Reads the marks of living processes in a folder, and removes those of dead ones. @returns their further lines, by path */
export async function livingMarks(folder: string): Promise<Map<string, string>> {
  const living = new Map<string, string>();
  for (const name of await readdir(folder).catch(returnIfMissing([]))) {
    const path = join(folder, name);
    const [owner = '', ...rest] = (await readFile(path, 'utf8').catch(returnIfMissing(''))).split('\n');
    const renewedMs = (await findStats(path))?.mtimeMs ?? 0;
    if (hasEnded(owner) || Math.abs(Date.now() - renewedMs) > SILENT_MS) await rm(path, { force: true });
    else living.set(path, rest.join('\n'));
  }
  return living;
}

/**
 * Places a mark that reserves disk space for files that are about to be written into a folder.
 * @param root folder that all processes on this disk share
 * @param bytes that `folder` will hold in the end
 */
export async function markReserved(root: string, folder: string, bytes: number): Promise<Mark> {
  const { path, release } = await placeMark(join(root, RESERVATIONS), `${bytes}\n${folder}`);
  return {
    path,
    async release() {
      await release();
      // Fails while the folder has marks of other processes.
      await rmdir(dirname(path)).catch(() => {});
    },
  };
}

/** Sums the bytes that living processes reserved below a root but have not written yet. @param except path of a mark to skip */
export async function reservedBytes(root: string, except = ''): Promise<number> {
  let bytes = 0;
  for (const [path, text] of await livingMarks(join(root, RESERVATIONS))) {
    const [wanted = '', ...folder] = text.split('\n');
    if (path !== except) bytes += Math.max(0, Number(wanted) - (await allocatedBytes(folder.join('\n'), false)));
  }
  return bytes;
}

/**
 * Reserves disk space without a lock. The mark is placed before the free space is compared with all marks, so of two reservations that do
 * not fit together, at most one succeeds; both may fail.
 * @returns a function that ends the reservation
 * @throws TransientError with the figures where too little is left
 */
export async function reserveSpace(root: string, folder: string, bytes: number): Promise<() => Promise<void>> {
  const { path, release } = await markReserved(root, folder, bytes);
  try {
    const { free } = await diskSpace(root);
    const reserved = await reservedBytes(root, path);
    if (bytes > free - reserved) throw new TransientError(tooLittleSpace(folder, bytes, { free, reserved, unused: 0 }));
  } catch (error) {
    await release();
    throw error;
  }
  return release;
}

/** Returns the free and total bytes of a folder's file system. */
export async function diskSpace(folder: string): Promise<{ free: number; total: number }> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { free: bavail * bsize, total: blocks * bsize };
}

/**
 * Sums the disk bytes that a folder occupies; files that are being filled are sparse.
 * @param linked whether to count files that have other hard links
 */
export async function allocatedBytes(folder: string, linked = true): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(returnIfMissing([]))) {
    const info = entry.isFile() ? await findStats(join(entry.parentPath, entry.name)) : undefined;
    if (info && (linked || info.nlink === 1)) bytes += info.blocks * 512;
  }
  return bytes;
}
