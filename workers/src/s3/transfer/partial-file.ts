import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { algorithmOf, type ChecksumAlgorithm } from '../../base/bytes/checksum.ts';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { findStats } from '../../base/missing-files.ts';
import { Journal, readJournal } from './journal.ts';

/** Parts that are verified at once. */
const PARTS_AT_ONCE = 16;

/** A file of known size and checksum that is written in parts, in any order, and renamed when it is complete. */
export class PartialFile {
  readonly path: string;
  readonly bytes: number;
  readonly expected: string;
  readonly algorithm: ChecksumAlgorithm;
  readonly partBytes: number;
  /** Checksum of each written part. */
  #written = new Map<number, bigint>();
  #file: FileHandle | undefined;
  #journal: Journal | undefined;

  /** @param expected checksum of the whole */
  constructor(path: string, bytes: number, expected: string, partBytes: number) {
    this.path = path;
    this.bytes = bytes;
    this.expected = expected;
    this.algorithm = algorithmOf(expected);
    this.partBytes = partBytes;
  }

  /** A hidden name, the same in every process, so that the next one finds it. */
  get temporary(): string {
    return join(dirname(this.path), `.${basename(this.path)}.part`);
  }

  get #journalPath(): string {
    return `${this.temporary}s`;
  }

  get parts(): number {
    return Math.ceil(this.bytes / this.partBytes);
  }

  has(part: number): boolean {
    return this.#written.has(part);
  }

  begin(part: number): number {
    return part * this.partBytes;
  }

  length(part: number): number {
    return Math.min(this.partBytes, this.bytes - this.begin(part));
  }

  get isComplete(): boolean {
    return this.#written.size === this.parts;
  }

  /**
   * Verifies the parts that an earlier process wrote.
   * @param checksumOf computes the formatted checksum of a part from what is on the disk
   * @returns their bytes
   */
  async resume(checksumOf: (part: number) => Promise<string>): Promise<number> {
    const { bytes, expected, partBytes, algorithm } = this;
    this.#written = new Map();
    if (!(await findStats(this.temporary))) return 0;
    const journal = await readJournal(this.#journalPath, { bytes, checksum: expected, partBytes });
    const noted = [...journal].filter(([part]) => part < this.parts);
    await mapConcurrently(noted, PARTS_AT_ONCE, async ([part, checksum]) => {
      if ((await checksumOf(part)) === checksum) this.#written.set(part, algorithm.parse(checksum));
    });
    return [...this.#written.keys()].reduce((sum, part) => sum + this.length(part), 0);
  }

  /** Returns the disk space that the file already uses. */
  async allocatedBytes(): Promise<number> {
    return ((await findStats(this.temporary))?.blocks ?? 0) * 512;
  }

  async open(): Promise<void> {
    const { bytes, expected, partBytes } = this;
    await mkdir(dirname(this.path), { recursive: true });
    const isResumed = this.#written.size > 0;
    // The data file first: a journal without it would be useless.
    this.#file = await open(this.temporary, isResumed ? 'r+' : 'w');
    await this.#file.truncate(bytes);
    this.#journal = await Journal.open(this.#journalPath, { bytes, checksum: expected, partBytes }, isResumed);
  }

  async addPart(part: number, checksum: bigint): Promise<void> {
    await this.#journal!.add(part, this.algorithm.format(checksum));
    this.#written.set(part, checksum);
  }

  /** Combines the checksums of the parts. */
  checksum(): string {
    const { algorithm } = this;
    let sum = 0n;
    for (let part = 0; part < this.parts; part++)
      sum = algorithm.combine(sum, this.#written.get(part)!, this.length(part));
    return algorithm.format(sum);
  }

  async close(): Promise<void> {
    await this.#file?.close();
    await this.#journal?.close();
    this.#file = this.#journal = undefined;
  }

  /** Renames the complete file, after flushing it: a power failure must not leave it incomplete under its name. */
  async finish(): Promise<void> {
    await this.#file!.datasync();
    await this.close();
    await rename(this.temporary, this.path);
    await rm(this.#journalPath, { force: true });
  }

  /** Removes the file, because its content is damaged. */
  async discard(): Promise<void> {
    await this.close();
    this.#written.clear();
    await rm(this.#journalPath, { force: true });
    await rm(this.temporary, { force: true });
  }
}
