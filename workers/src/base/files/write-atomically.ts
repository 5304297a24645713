import { type FileHandle, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DataError } from '../errors.ts';
import { findStats } from '../missing-files.ts';
import { isStreamOutput, writeThrough } from './stream-output.ts';
import { removeStale, temporaryName } from './temporary.ts';
import { unfinishedPaths } from './unfinished.ts';

/**
 * Writes a file under a temporary name beside `path` and renames it after `write`, so that `path` is always complete or absent.
 * Removes temporary files of earlier runs that were killed. A pipe or a device is written through, after `write`.
 * @param write receives the temporary path, which does not exist yet
 * @returns the result of `write`
 * @throws DataError if `path` is a folder, a socket or a disk
 */
export async function writeAtomically<T>(path: string, write: (temporary: string) => Promise<T>): Promise<T> {
  const target = resolve(path);
  if (isStreamOutput(target)) return writeThrough(path, write);
  await mkdir(dirname(target), { recursive: true });
  const info = await findStats(target);
  if (info?.isDirectory())
    throw new DataError(`${path}: a folder has this name. Choose another name, or remove the folder.`);
  // Renaming would replace it with a file.
  if (info && !info.isFile())
    throw new DataError(`${path}: a socket or a disk cannot be an output. Choose the name of a file.`);
  await removeStale(target);
  const temporary = temporaryName(target);
  unfinishedPaths.add(temporary);
  try {
    const result = await write(temporary);
    await flush(temporary);
    await rename(temporary, target);
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  } finally {
    unfinishedPaths.delete(temporary);
  }
}

/**
 * Writes several files as `writeAtomically` does; none appears before all are written.
 * @param paths undefined for a file that is not wanted: `write` receives undefined in its place
 */
export async function writeAllAtomically<T>(
  paths: readonly (string | undefined)[],
  write: (temporaries: readonly (string | undefined)[]) => Promise<T>,
): Promise<T> {
  const [path, ...others] = paths;
  if (paths.length === 0) return write([]);
  const writeOthers = (temporary: string | undefined) =>
    writeAllAtomically(others, (temporaries) => write([temporary, ...temporaries]));
  return path === undefined ? writeOthers(undefined) : writeAtomically(path, writeOthers);
}

/** Writes a text as `writeAtomically` does. */
export async function writeTextAtomically(path: string, text: string): Promise<void> {
  await writeAtomically(path, (temporary) => writeFile(temporary, text));
}

/** Writes a whole block at a position, because one system call may write only a part of it. */
export async function writeAt(file: FileHandle, block: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < block.length; )
    done += (await file.write(block, done, block.length - done, position + done)).bytesWritten;
}

/** Waits until a file, or the entries of a folder, are on the disk. */
export async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
