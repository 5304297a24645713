import fs from 'node:fs';
import { open } from 'node:fs/promises';

type Done = (error: NodeJS.ErrnoException | null, info?: fs.Stats) => void;

/**
 * Makes the file system that proper-lockfile uses while it waits for one lock. It takes over a lock whose modification time is old, but
 * that time comes from the holder's clock: if it is ahead, the lock would never grow old; if it is behind, the lock would be old at once.
 * So a held lock is given the age for which this process has seen it unchanged.
 * @param isOwnClock all holders have this machine's clock, so the lock's own age counts where it is larger
 */
export function observingFs(isOwnClock = false): typeof fs {
  let seen = { version: '', sinceMs: 0 };
  const held = new Set<string>();

  async function observe(path: string): Promise<fs.Stats> {
    // Opened first, because NFS caches the attributes of a path for up to a minute.
    await using folder = await open(path, 'r');
    const info = await folder.stat();
    const version = `${info.ino} ${info.mtimeMs}`;
    if (seen.version !== version) seen = { version, sinceMs: performance.now() };
    const sinceMs = Date.now() - (performance.now() - seen.sinceMs);
    info.mtime = new Date(isOwnClock ? Math.min(sinceMs, info.mtimeMs) : sinceMs);
    return info;
  }

  const observing = {
    ...fs,
    mkdir(path: string, done: Done) {
      fs.mkdir(path, (error) => {
        if (error?.code === 'EEXIST') held.add(path);
        done(error);
      });
    },
    // After a failed mkdir, proper-lockfile asks for the age of another's lock; otherwise for the time of its own, which must be real.
    stat(path: string, done: Done) {
      if (!held.delete(path)) fs.stat(path, done);
      else observe(path).then((info) => done(null, info), done);
    },
  };
  return observing as unknown as typeof fs;
}
