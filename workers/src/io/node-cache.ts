import { mkdir, readdir, readFile, rename, rm, statfs, utimes, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import lockfile from 'proper-lockfile';
import { formatByteSize } from '../core/byte-size.ts';
import { TransientError, UsageError, UserError } from '../errors.ts';
import { hasEnded, processName, removeStale, temporaryName } from './files.ts';
import { findStats, ifMissing } from './if-missing.ts';
import { observingFs } from './observed-lock.ts';

const FOLDER = 'lanceflow-cache';
/** Marks of an entry, beside its files: when it was last used, who uses it, how large it will be. */
const USED = '.used';
const USERS = '.users';
const WANTS = '.wants';
const HEARTBEAT_MS = 60_000;
/**
 * A user in another container or on a machine that is gone, from whom nothing was heard for this long, counts as ended; so does one
 * heard in the future: all users of a node have its clock, which was set back since.
 */
const SILENT_MS = 10 * HEARTBEAT_MS;
/** Left free on the disk for everything else. */
const SPARE_BYTES = 256 * 2 ** 20;
const LOCK_STALE_MS = 15_000;

/** A folder of the cache that stays while it is used. */
export interface CacheEntry {
  folder: string;
  /** Ends the use; the folder stays for others until its space is needed. */
  release(): Promise<void>;
}

/**
 * Folders on this node's disk that several processes share. Bounded by the disk: what nobody uses goes, the least recently used
 * first, when space is needed.
 */
export class NodeCache {
  readonly #root: string;

  /** @param work folder of the node's fast disk */
  constructor(work: string) {
    this.#root = join(resolve(work), FOLDER);
  }

  /**
   * Uses an entry, which may be empty or half filled.
   * @param bytes what it will hold when it is filled; so much space is made for it
   * @throws UsageError where the disk is too small, TransientError where others take its space now
   */
  async use(name: string, bytes: number): Promise<CacheEntry> {
    const folder = join(this.#root, name);
    const user = join(folder, USERS, basename(temporaryName(processName())));
    await this.#locked(async () => {
      await mkdir(join(folder, USERS), { recursive: true });
      await writeFile(user, processName());
      await writeFile(join(folder, WANTS), `${bytes}`);
      try {
        await this.#makeSpace(name, bytes);
      } catch (error) {
        await rm(user, { force: true });
        throw error;
      }
    });
    const heartbeat = setInterval(() => void utimes(user, new Date(), new Date()).catch(ignored), HEARTBEAT_MS);
    heartbeat.unref();
    return {
      folder,
      release: async () => {
        clearInterval(heartbeat);
        await writeFile(join(folder, USED), '').catch(ignored);
        await rm(user, { force: true });
      },
    };
  }

  /** Removes entries, as far as that helps, so that something beside them has space. */
  async makeRoom(bytes: number): Promise<void> {
    await this.#locked(() =>
      this.#makeSpace('', bytes).catch((error: unknown) => {
        if (!(error instanceof UserError)) throw error;
      }),
    );
  }

  /** Runs `fill` while no other process fills the same entry. */
  async fill<T>({ folder }: CacheEntry, fill: () => Promise<T>): Promise<T> {
    const release = await lock(join(folder, '.fill'), true);
    try {
      return await fill();
    } finally {
      await release();
    }
  }

  /** Moves a finished folder of the same disk into an entry of its own. */
  async adopt(name: string, from: string): Promise<void> {
    const folder = join(this.#root, name);
    await this.#locked(async () => {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder);
      await rename(from, join(folder, basename(from)));
      await writeFile(join(folder, USED), '');
    });
  }

  /** Removes the entries that nobody uses and whose names begin so. */
  async drop(prefix: string): Promise<void> {
    await this.#locked(async () => {
      for (const name of await readdir(this.#root)) if (name.startsWith(prefix)) await this.#dropUnused(name);
    });
  }

  async #locked<T>(use: () => Promise<T>): Promise<T> {
    await mkdir(this.#root, { recursive: true });
    const release = await lock(join(this.#root, '.cache'), false);
    try {
      return await use();
    } finally {
      await release();
    }
  }

  /** Removes entries until `bytes` fit, and what others have been promised. */
  async #makeSpace(own: string, bytes: number): Promise<void> {
    const needed = bytes - (own === '' ? 0 : await allocatedBytes(join(this.#root, own)));
    if (needed <= 0) return;
    const others = (await this.#entries()).filter((name) => name !== own);
    const used = await Promise.all(others.map((name) => lastUse(join(this.#root, name))));
    const oldestFirst = others.map((name, i) => ({ name, atMs: used[i]! })).sort((a, b) => a.atMs - b.atMs);
    let promised = 0;
    for (const { name } of oldestFirst) promised += await this.#stillToCome(name);
    const free = async () => {
      const { bavail, bsize } = await statfs(this.#root);
      return bavail * bsize - promised - SPARE_BYTES;
    };
    for (const { name } of oldestFirst) {
      if ((await free()) >= needed) return;
      await this.#dropUnused(name);
    }
    const left = await free();
    if (left >= needed) return;
    const { blocks, bsize } = await statfs(this.#root);
    const what = `${this.#root}: ${formatByteSize(bytes)} are needed there, and only ${formatByteSize(Math.max(0, left))} are free`;
    if (bytes + SPARE_BYTES > blocks * bsize)
      throw new UsageError(
        `${what}; the whole disk has ${formatByteSize(blocks * bsize)}. Name a folder of a larger disk in --work, or search with --stream, which stores nothing.`,
      );
    throw new TransientError(
      `${what}. Free some space, or wait until other tasks are done, then run the same command again.`,
    );
  }

  /** Names of the entries; what was being removed when its process was killed goes now. */
  async #entries(): Promise<string[]> {
    const names = await readdir(this.#root);
    for (const name of names) {
      const [, doomed] = /^\.(.+)\.[0-9a-f]{8}\.\d+\.[0-9a-f]{8}\.tmp$/.exec(name) ?? [];
      if (doomed !== undefined) await removeStale(join(this.#root, doomed));
    }
    return names.filter((name) => !name.startsWith('.'));
  }

  /** What an entry in use will yet take of the disk. */
  async #stillToCome(name: string): Promise<number> {
    const folder = join(this.#root, name);
    if (!(await isUsed(folder))) return 0;
    const wants = Number(await readFile(join(folder, WANTS), 'utf8').catch(ifMissing('0')));
    return Math.max(0, wants - (await allocatedBytes(folder)));
  }

  async #dropUnused(name: string): Promise<void> {
    const folder = join(this.#root, name);
    if (await isUsed(folder)) return;
    // Out of sight first: nobody may find half an entry.
    const doomed = temporaryName(folder);
    await rename(folder, doomed);
    await rm(doomed, { recursive: true, force: true });
  }
}

/** @param forever whether to wait however long another process takes */
async function lock(path: string, forever: boolean): Promise<() => Promise<void>> {
  const retries = { forever, retries: 200, minTimeout: 50, maxTimeout: 300, factor: 1.1 };
  // Taken over from a process that stood still: two then fill the same files with the same contents.
  return lockfile.lock(path, {
    fs: observingFs(true),
    realpath: false,
    stale: LOCK_STALE_MS,
    retries,
    onCompromised: () => {},
  });
}

/** Whether a living process uses an entry; what ended ones left of themselves is removed. */
async function isUsed(folder: string): Promise<boolean> {
  let used = false;
  for (const name of await readdir(join(folder, USERS)).catch(ifMissing([]))) {
    const path = join(folder, USERS, name);
    const owner = await readFile(path, 'utf8').catch(ifMissing(''));
    const heardMs = (await findStats(path))?.mtimeMs ?? 0;
    if (hasEnded(owner) || Math.abs(Date.now() - heardMs) > SILENT_MS) await rm(path, { force: true });
    else used = true;
  }
  return used;
}

async function lastUse(folder: string): Promise<number> {
  const info = (await findStats(join(folder, USED))) ?? (await findStats(folder));
  return info?.mtimeMs ?? 0;
}

/** Without its mark an entry only goes sooner, when nobody uses it: no reason to end a search. */
function ignored(): void {}

/** What a folder takes of the disk: files that are being filled have holes. */
async function allocatedBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(ifMissing([])))
    if (entry.isFile()) bytes += ((await findStats(join(entry.parentPath, entry.name)))?.blocks ?? 0) * 512;
  return bytes;
}
