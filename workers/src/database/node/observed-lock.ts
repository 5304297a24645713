import fs from 'node:fs';
import { open } from 'node:fs/promises';

type Done = (error: NodeJS.ErrnoException | null, info?: fs.Stats) => void;

/**
 * The file system as proper-lockfile sees it, for one lock that is waited for. It takes a lock whose time is old for one that a
 * killed process left, but the time is that of its holder's clock: one that is ahead would never grow old, and one that is behind
 * would be old at once. So a lock that is held is given the age for which it was seen not to change.
 * @param isOwnClock whether all that take it have this machine's clock: then a lock may also be as old as it says
 */
export function observingFs(isOwnClock = false): typeof fs {
  let seen = { version: '', sinceMs: 0 };
  const held = new Set<string>();

  async function observe(path: string): Promise<fs.Stats> {
    // Opened, and not only asked for: NFS remembers what it was told for up to a minute.
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
    // Asked for after a failed mkdir: how old a lock is. Otherwise: the time of one's own, which must be as it is.
    stat(path: string, done: Done) {
      if (!held.delete(path)) fs.stat(path, done);
      else observe(path).then((info) => done(null, info), done);
    },
  };
  return observing as unknown as typeof fs;
}
