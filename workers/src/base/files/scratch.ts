import { mkdir, rename, rm, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { returnIfMissing } from '../missing-files.ts';
import { removeStale, temporaryName } from './temporary.ts';
import { unfinishedPaths } from './unfinished.ts';

const HEARTBEAT_MS = 10 * 60 * 1000;

/** Creates a scratch folder for `use` and removes it afterwards, also on failure or a signal. */
export async function withScratch<T>(parent: string, label: string, use: (folder: string) => Promise<T>): Promise<T> {
  const { folder, close } = await openScratch(parent, label);
  try {
    return await use(folder);
  } finally {
    await close();
  }
}

/** Creates a scratch folder, which `close` or a signal removes. */
export async function openScratch(
  parent: string,
  label: string,
): Promise<{ folder: string; close: () => Promise<void> }> {
  const target = join(resolve(parent), label);
  await mkdir(resolve(parent), { recursive: true });
  await removeStale(target);
  const folder = temporaryName(target);
  unfinishedPaths.add(folder);
  // Other machines on a shared file system know only from a folder's age that it is in use. A heartbeat may fail: others follow.
  const heartbeat = setInterval(() => void utimes(folder, new Date(), new Date()).catch(() => {}), HEARTBEAT_MS);
  heartbeat.unref();
  const close = async () => {
    clearInterval(heartbeat);
    await rm(folder, { recursive: true, force: true });
    unfinishedPaths.delete(folder);
  };
  await mkdir(folder).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { folder, close };
}

/** Removes a folder atomically: other processes see all of it or nothing, even if this process is killed. */
export async function removeFolder(folder: string): Promise<void> {
  const renamed = temporaryName(folder);
  await rename(folder, renamed).catch(returnIfMissing(undefined));
  await rm(renamed, { recursive: true, force: true });
}
