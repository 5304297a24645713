import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import lockfile from 'proper-lockfile';
import { systemErrorCode, TransientError, UsageError } from '../../base/errors.ts';
import { removeStale, temporaryName } from '../../base/files/temporary.ts';
import { findStats, ifMissing } from '../../base/if-missing.ts';
import { formatByteSize } from '../../base/text/byte-size.ts';
import {
  allocatedBytes,
  diskSpace,
  livingMarks,
  makeIn,
  markReserved,
  placeMark,
  reservedBytes,
  tooLittle,
} from './disk-marks.ts';
import { observingFs } from './observed-lock.ts';

const FOLDER = 'lanceflow-cache';
/** Marks of an entry, beside its files: when it was last used, who uses it, how large it will be. */
const USED = '.used';
const USERS = '.users';
const WANTS = '.wants';
/** Left free on the disk for everything else. */
const SPARE_BYTES = 256 * 2 ** 20;
/** Beside a table that is made, at most as many times its size: small ones are made on small disks. */
const SPARE_TIMES = 100;
const LOCK_STALE_MS = 15_000;
/** Share of the disk that tables may take which nobody uses: what others write, as Nextflow's copies, cannot make them go. */
const KEPT_SHARE = 0.5;

/** A folder of the cache that stays while it is used. */
export interface CacheEntry {
  folder: string;
  /** Ends the use; the folder stays for others until its space is needed. */
  release(): Promise<void>;
}

/**
 * Folders on this node's disk that several processes share. Bounded by a share of the disk (LANCEFLOW_WORK_KEEP): what nobody uses
 * goes, the least recently used first, when it takes more, or when space is needed.
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
   * Uses an entry, which may be empty or half filled.
   * @param bytes what it will hold when it is filled; so much space is made for it
   * @throws UsageError where the disk is too small, TransientError where others take its space now
   */
  async use(name: string, bytes: number): Promise<CacheEntry> {
    const folder = join(this.#root, name);
    const { release } = await this.#locked(async () => {
      const user = await placeMark(join(folder, USERS));
      try {
        await writeFile(join(folder, WANTS), `${bytes}`);
        const needed = bytes - (await allocatedBytes(folder));
        const { total } = await diskSpace(this.#root);
        if (needed > 0 && bytes + SPARE_BYTES > total)
          throw new UsageError(
            `${this.#root}: ${formatByteSize(bytes)} are needed there, and the whole disk has ${formatByteSize(total)}. ` +
              'Name a folder of a larger disk in --work, or search with --stream, which stores nothing.',
          );
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
        await this.#locked(() => this.#dropBeyondShare()).catch(ignored);
      },
    };
  }

  /**
   * Reserves space beside the entries for what is about to be written into a folder of the same disk, and removes entries that nobody
   * uses as far as that needs.
   * @param bytes that `folder` will hold in the end
   * @returns what ends the reservation
   * @throws TransientError where others have the space now
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
      // Of the cache's folder nothing stays where nothing is kept.
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

  /** Moves a finished folder of the same disk into an entry of its own. */
  async adopt(name: string, from: string): Promise<void> {
    const folder = join(this.#root, name);
    await this.#locked(async () => {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder);
      await rename(from, join(folder, basename(from)));
      await writeFile(join(folder, USED), '');
      await this.#dropBeyondShare();
    });
  }

  /** Removes the entries that nobody uses and whose names begin so. */
  async drop(prefix: string): Promise<void> {
    await this.#locked(async () => {
      for (const name of await readdir(this.#root)) if (name.startsWith(prefix)) await this.#dropUnused(name);
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
   * Removes entries until `needed` bytes are free besides what others have been promised; none where that would not do.
   * @param own the entry, or the mark of the reservation, that they are for
   */
  async #makeSpace(needed: number, own: { entry?: string; mark?: string }): Promise<void> {
    if (needed <= 0) return;
    let reserved = await reservedBytes(this.#root, own.mark);
    const unused: string[] = [];
    let unusedBytes = 0;
    for (const name of await this.#oldestFirst()) {
      const folder = join(this.#root, name);
      if (name === own.entry) continue;
      if (await isUsed(folder)) reserved += await this.#stillToCome(folder);
      else {
        unused.push(name);
        unusedBytes += await allocatedBytes(folder);
      }
    }
    const spare = own.entry === undefined ? Math.min(SPARE_BYTES, SPARE_TIMES * needed) : SPARE_BYTES;
    const free = async () => Math.max(0, (await diskSpace(this.#root)).free - spare);
    const freeBytes = await free();
    if (freeBytes - reserved + unusedBytes < needed)
      throw tooLittle(this.#root, needed, { free: freeBytes, reserved, unused: unusedBytes });
    for (const name of unused) {
      if ((await free()) - reserved >= needed) return;
      await this.#dropUnused(name);
    }
  }

  /** Removes what nobody uses, the least recently used first, until it takes no more than its share of the disk. */
  async #dropBeyondShare(): Promise<void> {
    const { total } = await diskSpace(this.#root);
    const names = await this.#oldestFirst();
    const used = await Promise.all(names.map((name) => isUsed(join(this.#root, name))));
    const unused = names.filter((_, i) => !used[i]);
    const bytes = await Promise.all(unused.map((name) => allocatedBytes(join(this.#root, name))));
    let kept = bytes.reduce((sum, each) => sum + each, 0);
    for (const [i, name] of unused.entries()) {
      if (kept <= this.#keptShare * total) return;
      await this.#dropUnused(name);
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
  async #stillToCome(folder: string): Promise<number> {
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
  const options = { fs: observingFs(true), realpath: false, stale: LOCK_STALE_MS, retries, onCompromised: () => {} };
  return lockfile.lock(path, options).catch((error: unknown) => {
    if (systemErrorCode(error) !== 'ELOCKED') throw error;
    throw new TransientError(`${path}: other tasks work on this folder for long. Run the same command again.`);
  });
}

/** Whether a living process uses an entry. */
async function isUsed(folder: string): Promise<boolean> {
  return (await livingMarks(join(folder, USERS))).size > 0;
}

async function lastUse(folder: string): Promise<number> {
  const info = (await findStats(join(folder, USED))) ?? (await findStats(folder));
  return info?.mtimeMs ?? 0;
}

/** Without its mark an entry only goes sooner, when nobody uses it: no reason to end a search. */
function ignored(): void {}

/** Share of the disk for tables that nobody uses. @throws UsageError where LANCEFLOW_WORK_KEEP is none */
function keptShare(): number {
  const given = process.env.LANCEFLOW_WORK_KEEP || undefined;
  const share = given === undefined ? KEPT_SHARE : Number(given);
  if (share >= 0 && share <= 1) return share;
  throw new UsageError(
    `LANCEFLOW_WORK_KEEP is ${given}; it must be a share of the disk from 0 to 1, such as ${KEPT_SHARE}.`,
  );
}
