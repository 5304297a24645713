import fs from 'node:fs';
import { open } from 'node:fs/promises';

type Done = (error: NodeJS.ErrnoException | null, info?: fs.Stats) => void;

/**
 * Creates the file system that proper-lockfile uses while it waits for one lock. proper-lockfile takes over a lock whose modification
 * time is old, but that time comes from the holder's clock: if it is fast, the lock would never grow old; if it is slow, the lock would
 * be old at once. This file system reports as a lock's age the time for which this process has seen it unchanged.
 * @param isOwnClock whether all holders use this machine's clock; then the lock's own age counts if it is larger
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
    // After a failed mkdir, proper-lockfile reads the age of another's lock; otherwise the time of its own lock, which must be real.
    stat(path: string, done: Done) {
      if (!held.delete(path)) fs.stat(path, done);
      else observe(path).then((info) => done(null, info), done);
    },
  };
  return observing as unknown as typeof fs;
}
