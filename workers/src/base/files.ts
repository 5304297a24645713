import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readlinkSync, rmSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { DataError, systemErrorCode } from './errors.ts';
import { findStats, ifMissing } from './if-missing.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const HEARTBEAT_MS = 10 * 60 * 1000;
const REMOVE_LIMIT_MS = 5000;
const REMOVE_QUIET_MS = 250;
const REMOVE_STEP_MS = 25;
/** A name may have 255 bytes; owner, process number, random digits and dots take up to 36. */
const MOST_NAME_BYTES = 219;

/** Paths that are removed when the process is told to stop. */
const unfinished = new Set<string>();

/**
 * Removes what threads of LanceDB may be writing still: one that finishes a file makes its folder anew. Synchronous,
 * so that this process begins nothing more meanwhile; done when nothing came back for a while.
 */
export function removeUnfinished(): void {
  const paths = [...unfinished];
  if (paths.length === 0) return;
  const end = performance.now() + REMOVE_LIMIT_MS;
  for (let quietMs = 0; quietMs < REMOVE_QUIET_MS && performance.now() < end; quietMs += REMOVE_STEP_MS) {
    for (const path of paths.filter((each) => existsSync(each))) {
      quietMs = 0;
      try {
        rmSync(path, { recursive: true, force: true });
      } catch {
        // A file came while its folder was being removed: the next round takes it.
      }
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, REMOVE_STEP_MS);
  }
}

/**
 * Writes a file under a temporary name beside `path` and renames it when `write` has returned, so that
 * `path` is either whole or absent. What an earlier, killed run left under such a name is removed.
 * @param write gets the temporary path (not created yet)
 */
export async function writeAtomically<T>(path: string, write: (temporary: string) => Promise<T>): Promise<T> {
  const target = resolve(path);
  await mkdir(dirname(target), { recursive: true });
  const info = await findStats(target);
  if (info?.isDirectory())
    throw new DataError(`${path}: there is a folder of this name. Choose another, or remove it.`);
  // Renaming would put a file in its place: for root, also in that of /dev/null.
  if (info && !info.isFile())
    throw new DataError(`${path}: a device or a pipe, which cannot be written in one step. Choose the name of a file.`);
  await removeStale(target);
  const temporary = temporaryName(target);
  unfinished.add(temporary);
  try {
    const result = await write(temporary);
    await flush(temporary);
    await rename(temporary, target);
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  } finally {
    unfinished.delete(temporary);
  }
}

/** Makes a scratch folder for `use` and removes it afterwards, also on failure or a signal. */
export async function withScratch<T>(parent: string, label: string, use: (folder: string) => Promise<T>): Promise<T> {
  const { folder, close } = await openScratch(parent, label);
  try {
    return await use(folder);
  } finally {
    await close();
  }
}

/** Makes a scratch folder that is removed when it is closed, or on a signal. */
export async function openScratch(
  parent: string,
  label: string,
): Promise<{ folder: string; close: () => Promise<void> }> {
  const target = join(resolve(parent), label);
  await mkdir(resolve(parent), { recursive: true });
  await removeStale(target);
  const folder = temporaryName(target);
  unfinished.add(folder);
  // Other machines on a shared file system can only tell by its age that a folder is still in use. A beat may fail: others follow.
  const heartbeat = setInterval(() => void utimes(folder, new Date(), new Date()).catch(() => {}), HEARTBEAT_MS);
  heartbeat.unref();
  const close = async () => {
    clearInterval(heartbeat);
    await rm(folder, { recursive: true, force: true });
    unfinished.delete(folder);
  };
  await mkdir(folder).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { folder, close };
}

/** Removes a folder whole: under its name, others find all of it or nothing, also where this process is killed. */
export async function removeFolder(folder: string): Promise<void> {
  const doomed = temporaryName(folder);
  await rename(folder, doomed).catch(ifMissing(undefined));
  await rm(doomed, { recursive: true, force: true });
}

/**
 * `.name.<owner>.<pid>.<random>.tmp` in the folder of `target`: on its file system, and out of the way of
 * globs. The owner is this machine's (or container's) process space, where the pid means something.
 */
export function temporaryName(target: string): string {
  return join(
    dirname(target),
    `${temporaryPrefix(target)}${owner()}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`,
  );
}

/** A name that is nearly as long as a file system takes is shortened, so that its temporary name fits too. */
function temporaryPrefix(target: string): string {
  const name = basename(target);
  if (Buffer.byteLength(name) <= MOST_NAME_BYTES) return `.${name}.`;
  return `.${createHash('sha256').update(name).digest('hex').slice(0, 32)}.`;
}

/** Names this process to others that share a folder with it. */
export function processName(): string {
  return `${owner()}.${process.pid}`;
}

/** Whether a process is known to have ended; of one on another machine that cannot be known. */
export function hasEnded(name: string): boolean {
  const [space, pid] = name.split('.');
  return space === owner() && /^\d+$/.test(pid ?? '') && !isAlive(Number(pid));
}

let ownerName: string | undefined;

function owner(): string {
  ownerName ??= createHash('sha256').update(`${hostname()} ${processSpace()}`).digest('hex').slice(0, 8);
  return ownerName;
}

function processSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // Only Linux has it: elsewhere the host alone says where a process number means something.
    return '';
  }
}

/** Removes temporary files of `target` whose process is gone. Those of other machines count as gone after a day. */
export async function removeStale(target: string): Promise<void> {
  const prefix = temporaryPrefix(target);
  for (const name of await readdir(dirname(target)).catch(ifUnlisted)) {
    const path = join(dirname(target), name);
    if (name.startsWith(prefix) && (await isStale(path, name.slice(prefix.length))))
      await rm(path, { recursive: true, force: true });
  }
}

/** A folder that may be written but not listed keeps what is stale in it. */
function ifUnlisted(error: unknown): string[] {
  return systemErrorCode(error) === 'EACCES' ? [] : ifMissing<string[]>([])(error);
}

async function isStale(path: string, suffix: string): Promise<boolean> {
  const match = /^([0-9a-f]{8})\.(\d+)\.[0-9a-f]{8}\.tmp$/.exec(suffix);
  if (!match) return false;
  if (match[1] === owner()) return !isAlive(Number(match[2]));
  const info = await findStats(path);
  return info !== undefined && Date.now() - info.mtimeMs > DAY_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}

/** Writes all of a block to its place in a file: a call to the system may write less. */
export async function writeAt(file: FileHandle, block: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < block.length; )
    done += (await file.write(block, done, block.length - done, position + done)).bytesWritten;
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
