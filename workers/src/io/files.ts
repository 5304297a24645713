import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Paths that are removed when the process is told to stop (Ctrl-C, a scheduler's SIGTERM). */
const unfinished = new Set<string>();

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, async () => {
    process.stderr.write(
      `\nStopped by ${signal}; unfinished files are being removed. Run the same command to go on.\n`,
    );
    await Promise.allSettled([...unfinished].map((path) => rm(path, { recursive: true, force: true })));
    process.exit(code);
  });
}

/**
 * Writes a file under a temporary name beside `path` and renames it when `write` has returned, so that
 * `path` is either whole or absent. What an earlier, killed run left under such a name is removed.
 * @param write gets the temporary path (not created yet)
 */
export async function writeAtomically<T>(path: string, write: (temporary: string) => Promise<T>): Promise<T> {
  const target = resolve(path);
  await mkdir(dirname(target), { recursive: true });
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
export async function withScratch<T>(
  parent: string,
  label: string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const target = join(resolve(parent), label);
  await mkdir(resolve(parent), { recursive: true });
  await removeStale(target);
  const folder = temporaryName(target);
  unfinished.add(folder);
  try {
    await mkdir(folder);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    unfinished.delete(folder);
  }
}

/** `.name.<pid>.<random>.tmp` in the folder of `target`: on its file system, and out of the way of globs. */
function temporaryName(target: string): string {
  return join(dirname(target), `.${basename(target)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`);
}

/** Removes temporary files of `target` whose process is gone. */
async function removeStale(target: string): Promise<void> {
  const prefix = `.${basename(target)}.`;
  for (const name of await readdir(dirname(target))) {
    const match = name.startsWith(prefix)
      ? /^(\d+)\.[0-9a-f]{8}\.tmp$/.exec(name.slice(prefix.length))
      : null;
    if (match && !isAlive(Number(match[1])))
      await rm(join(dirname(target), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
