import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import lockfile from 'proper-lockfile';
import { systemErrorCode, TransientError, UsageError } from '../../base/errors.ts';
import { removeStale, temporaryName } from '../../base/files/temporary.ts';
import { findStats, returnIfMissing } from '../../base/missing-files.ts';
import { busyCache, tooLittleSpace, tooSmallDisk, wrongKeptShare } from '../database-messages.ts';
import {
  allocatedBytes,
  diskSpace,
  livingMarks,
  makeIn,
  markReserved,
  placeMark,
  reservedBytes,
} from './disk-marks.ts';
import { observingFs } from './observed-lock.ts';

const FOLDER = 'lanceflow-cache';
/** Bookkeeping files of an entry: the time of its last use, the marks of its users, the bytes that it will hold. */
const USED = '.used';
const USERS = '.users';
const WANTS = '.wants';
/** Disk space that stays free for everything else. */
const SPARE_BYTES = 256 * 2 ** 20;
/** Limits the spare space for a scratch folder to this multiple of its size, so that small tables fit on small disks. */
const SPARE_TIMES = 100;
const LOCK_STALE_MS = 15_000;
/** Largest share of the disk for unused tables: files that other programs write, such as Nextflow's copies, do not evict tables. */
const KEPT_SHARE = 0.5;

/** A folder of the cache, which is not evicted while it is in use. */
export interface CacheEntry {
  folder: string;
  /** Ends the use. The folder is kept for others until its space is needed. */
  release(): Promise<void>;
}

/**
 * Shares folders on this node's disk between processes. Entries that nobody uses are evicted, the least recently used first, when they
 * exceed a share of the disk (LANCEFLOW_WORK_KEEP), or when space is needed.
 */
export class NodeCache {
  readonly #root: string;
  readonly #keptShare: number;

  /** @param work folder of the node's fast disk */
  constructor(work: string) {
    this.#root = join(resolve(work), FOLDER);
    this.#keptShare = keptShare();
  }

  /**
   * Opens an entry, which may be empty or partly filled, and evicts others to make space for it.
   * @param bytes size of the entry when it is full
   * @throws UsageError if the disk is too small, TransientError if other tasks occupy its space now
   */
  async use(name: string, bytes: number): Promise<CacheEntry> {
    const folder = join(this.#root, name);
    const { release } = await this.#locked(async () => {
      const user = await placeMark(join(folder, USERS));
      try {
        await writeFile(join(folder, WANTS), `${bytes}`);
        const needed = bytes - (await allocatedBytes(folder));
        const { total } = await diskSpace(this.#root);
        if (needed > 0 && bytes + SPARE_BYTES > total) throw new UsageError(tooSmallDisk(this.#root, bytes, total));
        await this.#makeSpace(needed, { entry: name });
      } catch (error) {
        await user.release();
        throw error;
      }
      return user;
    });
    return {
      folder,
      release: async () => {
        await writeFile(join(folder, USED), '').catch(ignored);
        await release();
        await this.#locked(() => this.#evictBeyondShare()).catch(ignored);
      },
    };
  }

  /**
   * Reserves space for files that are about to be written into another folder on the same disk, and evicts entries to make space.
   * @param bytes that `folder` will hold in the end
   * @returns a function that ends the reservation
   * @throws TransientError if other tasks occupy the space now
   */
  async reserve(folder: string, bytes: number): Promise<() => Promise<void>> {
    const { release } = await this.#locked(async () => {
      const mark = await markReserved(this.#root, folder, bytes);
      try {
        await this.#makeSpace(bytes, { mark: mark.path });
      } catch (error) {
        await mark.release();
        throw error;
      }
      return mark;
    });
    return async () => {
      await release();
      // Fails while the cache has entries.
      await rmdir(this.#root).catch(ignored);
    };
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

  /** Moves a finished folder on the same disk into a new entry. */
  async adopt(name: string, from: string): Promise<void> {
    const folder = join(this.#root, name);
    await this.#locked(async () => {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder);
      await rename(from, join(folder, basename(from)));
      await writeFile(join(folder, USED), '');
      await this.#evictBeyondShare();
    });
  }

  /** Evicts the entries whose names begin with a prefix and that nobody uses. */
  async evict(prefix: string): Promise<void> {
    await this.#locked(async () => {
      for (const name of await readdir(this.#root)) if (name.startsWith(prefix)) await this.#evictUnused(name);
    });
  }

  async #locked<T>(use: () => Promise<T>): Promise<T> {
    const release = await makeIn(this.#root, () => lock(join(this.#root, '.cache'), false));
    try {
      return await use();
    } finally {
      await release();
    }
  }

  /**
   * Evicts entries until `needed` bytes are free beyond those that others reserved. Evicts none if evicting all would not suffice.
   * @param own the entry, or the mark of the reservation, that needs the space
   */
  async #makeSpace(needed: number, own: { entry?: string; mark?: string }): Promise<void> {
    if (needed <= 0) return;
    let reserved = await reservedBytes(this.#root, own.mark);
    const unused: string[] = [];
    let unusedBytes = 0;
    for (const name of await this.#oldestFirst()) {
      const folder = join(this.#root, name);
      if (name === own.entry) continue;
      if (await isUsed(folder)) reserved += await this.#missingBytes(folder);
      else {
        unused.push(name);
        unusedBytes += await allocatedBytes(folder);
      }
    }
    const spare = own.entry === undefined ? Math.min(SPARE_BYTES, SPARE_TIMES * needed) : SPARE_BYTES;
    const free = async () => Math.max(0, (await diskSpace(this.#root)).free - spare);
    const freeBytes = await free();
    if (freeBytes - reserved + unusedBytes < needed)
      throw new TransientError(tooLittleSpace(this.#root, needed, { free: freeBytes, reserved, unused: unusedBytes }));
    for (const name of unused) {
      if ((await free()) - reserved >= needed) return;
      await this.#evictUnused(name);
    }
  }

  /** Evicts unused entries, the least recently used first, until the rest occupies at most its share of the disk. */
  async #evictBeyondShare(): Promise<void> {
    const { total } = await diskSpace(this.#root);
    const names = await this.#oldestFirst();
    const used = await Promise.all(names.map((name) => isUsed(join(this.#root, name))));
    const unused = names.filter((_, i) => !used[i]);
    const bytes = await Promise.all(unused.map((name) => allocatedBytes(join(this.#root, name))));
    let kept = bytes.reduce((sum, each) => sum + each, 0);
    for (const [i, name] of unused.entries()) {
      if (kept <= this.#keptShare * total) return;
      await this.#evictUnused(name);
      kept -= bytes[i]!;
    }
  }

  async #oldestFirst(): Promise<string[]> {
    const names = await this.#entries();
    const used = await Promise.all(names.map((name) => lastUse(join(this.#root, name))));
    return names
      .map((name, i) => ({ name, atMs: used[i]! }))
      .sort((a, b) => a.atMs - b.atMs)
      .map(({ name }) => name);
  }

  /** Lists the names of the entries, and removes those that a killed process was removing. */
  async #entries(): Promise<string[]> {
    const names = await readdir(this.#root);
    for (const name of names) {
      const [, doomed] = /^\.(.+)\.[0-9a-f]{8}\.\d+\.[0-9a-f]{8}\.tmp$/.exec(name) ?? [];
      if (doomed !== undefined) await removeStale(join(this.#root, doomed));
    }
    return names.filter((name) => !name.startsWith('.'));
  }

  /** Returns the bytes that an entry in use will still add to the disk. */
  async #missingBytes(folder: string): Promise<number> {
    const wants = Number(await readFile(join(folder, WANTS), 'utf8').catch(returnIfMissing('0')));
    return Math.max(0, wants - (await allocatedBytes(folder)));
  }

  async #evictUnused(name: string): Promise<void> {
    const folder = join(this.#root, name);
    if (await isUsed(folder)) return;
    // Renamed first, so that no process finds a partial entry.
    const doomed = temporaryName(folder);
    await rename(folder, doomed);
    await rm(doomed, { recursive: true, force: true });
  }
}

/** @param forever waits for another process without limit */
async function lock(path: string, forever: boolean): Promise<() => Promise<void>> {
  const retries = { forever, retries: 200, minTimeout: 50, maxTimeout: 300, factor: 1.1 };
  // A lock that is lost does no harm: two processes then fill the same files with the same contents.
  const options = { fs: observingFs(true), realpath: false, stale: LOCK_STALE_MS, retries, onCompromised: () => {} };
  return lockfile.lock(path, options).catch((error: unknown) => {
    if (systemErrorCode(error) !== 'ELOCKED') throw error;
    throw new TransientError(busyCache(path));
  });
}

/** Returns whether a living process uses an entry. */
async function isUsed(folder: string): Promise<boolean> {
  return (await livingMarks(join(folder, USERS))).size > 0;
}

async function lastUse(folder: string): Promise<number> {
  const info = (await findStats(join(folder, USED))) ?? (await findStats(folder));
  return info?.mtimeMs ?? 0;
}

/** An entry without its mark is only evicted sooner, which must not fail a search. */
function ignored(): void {}

/** Reads the share of the disk for tables that nobody uses. @throws UsageError if LANCEFLOW_WORK_KEEP is not from 0 to 1 */
function keptShare(): number {
  const setting = process.env.LANCEFLOW_WORK_KEEP || undefined;
  const share = setting === undefined ? KEPT_SHARE : Number(setting);
  if (share >= 0 && share <= 1) return share;
  throw new UsageError(wrongKeptShare(setting, KEPT_SHARE));
}
