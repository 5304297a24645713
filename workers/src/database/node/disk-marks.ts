import { rmSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, rmdir, statfs, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { onStop } from '../../app/signals.ts';
import { TransientError } from '../../base/errors.ts';
import { hasEnded, processName } from '../../base/files/process-name.ts';
import { temporaryName } from '../../base/files/temporary.ts';
import { findStats, ifMissing } from '../../base/if-missing.ts';
import { formatByteSize } from '../../base/text/byte-size.ts';

const HEARTBEAT_MS = 60_000;
/**
 * A process in another container or on a machine that is gone, from which nothing was heard for this long, counts as ended; so does
 * one heard in the future: all processes of a node have its clock, which was set back since.
 */
const SILENT_MS = 10 * HEARTBEAT_MS;
/** Each time, another process has removed the folder because it was empty. */
const MOST_TRIES = 20;
/** Names of reservations in their folder. */
const RESERVATIONS = '.reserved';

/** Marks of this process, which are removed when it is told to stop. */
const own = new Set<string>();
let listens = false;

/** A file that says that this process lives, until it is released. */
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
  // A beat may fail: others follow.
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

/** Makes something in a folder, which is made where it is missing: others remove it where it is empty. */
export async function makeIn<T>(folder: string, make: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      await mkdir(folder, { recursive: true });
      return await make();
    } catch (error) {
      if (tries === MOST_TRIES) throw error;
      ifMissing(undefined)(error);
    }
}

/** The further lines of the marks of living processes in a folder, by path; those of ended ones are removed. */
export async function livingMarks(folder: string): Promise<Map<string, string>> {
  const living = new Map<string, string>();
  for (const name of await readdir(folder).catch(ifMissing([]))) {
    const path = join(folder, name);
    const [owner = '', ...rest] = (await readFile(path, 'utf8').catch(ifMissing(''))).split('\n');
    const heardMs = (await findStats(path))?.mtimeMs ?? 0;
    if (hasEnded(owner) || Math.abs(Date.now() - heardMs) > SILENT_MS) await rm(path, { force: true });
    else living.set(path, rest.join('\n'));
  }
  return living;
}

/**
 * Reserves space of a disk for what is about to be written into a folder.
 * @param root folder that all who share the disk have in common
 * @param bytes that `folder` will hold in the end
 */
export async function markReserved(root: string, folder: string, bytes: number): Promise<Mark> {
  const { path, release } = await placeMark(join(root, RESERVATIONS), `${bytes}\n${folder}`);
  return {
    path,
    async release() {
      await release();
      // Others may have theirs in there.
      await rmdir(dirname(path)).catch(() => {});
    },
  };
}

/** What living processes reserved below a root and have not written yet. @param except path of a mark that is not counted */
export async function reservedBytes(root: string, except = ''): Promise<number> {
  let bytes = 0;
  for (const [path, text] of await livingMarks(join(root, RESERVATIONS))) {
    const [wanted = '', ...folder] = text.split('\n');
    if (path !== except) bytes += Math.max(0, Number(wanted) - (await allocatedBytes(folder.join('\n'), false)));
  }
  return bytes;
}

/**
 * Reserves space below a folder for which others reserve without a lock: a mark is placed before it is looked whether all fit, so of
 * two that do not fit together never both go on, though both may be refused.
 * @returns what ends the reservation
 * @throws TransientError with the figures where too little is left
 */
export async function reserveSpace(root: string, folder: string, bytes: number): Promise<() => Promise<void>> {
  const { path, release } = await markReserved(root, folder, bytes);
  try {
    const { free } = await diskSpace(root);
    const reserved = await reservedBytes(root, path);
    if (bytes > free - reserved) throw tooLittle(folder, bytes, { free, reserved, unused: 0 });
  } catch (error) {
    await release();
    throw error;
  }
  return release;
}

/** Figures of a disk, in bytes. */
export interface DiskFigures {
  free: number;
  /** Of what is free: reserved by others and not written yet. */
  reserved: number;
  /** Of kept tables that nobody uses, which go when their space is needed. */
  unused: number;
}

export function tooLittle(folder: string, bytes: number, { free, reserved, unused }: DiskFigures): TransientError {
  const size = formatByteSize;
  return new TransientError(
    `${folder}: too little of the disk is left: ${size(bytes)} are needed there, and only ${size(free)} are free, of which ` +
      `${size(Math.min(free, reserved))} are reserved by other tasks; kept tables that nobody uses could free ${size(unused)}. ` +
      'Free some space, choose a folder of a larger disk (--work), or wait until other tasks are done, then run the same command again.',
  );
}

/** Bytes that are free, and bytes of the whole file system. */
export async function diskSpace(folder: string): Promise<{ free: number; total: number }> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { free: bavail * bsize, total: blocks * bsize };
}

/**
 * What a folder takes of the disk: files that are being filled have holes.
 * @param linked whether files count that are elsewhere too, by hard links
 */
export async function allocatedBytes(folder: string, linked = true): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(ifMissing([]))) {
    const info = entry.isFile() ? await findStats(join(entry.parentPath, entry.name)) : undefined;
    if (info && (linked || info.nlink === 1)) bytes += info.blocks * 512;
  }
  return bytes;
}
