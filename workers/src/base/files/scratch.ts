import { mkdir, rename, rm, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ifMissing } from '../if-missing.ts';
import { removeStale, temporaryName } from './temporary.ts';
import { unfinished } from './unfinished.ts';

const HEARTBEAT_MS = 10 * 60 * 1000;

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
