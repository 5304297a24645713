import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { mapConcurrently } from '../../../base/concurrency/map-concurrently.ts';
import { Semaphore } from '../../../base/concurrency/semaphore.ts';
import { systemErrorCode, TransientError } from '../../../base/errors.ts';
import { writeAt } from '../../../base/files/write-atomically.ts';
import type { RangeFile } from '../../../database/table-reader.ts';
import type { ByteRange } from '../../../lance/format/file-format.ts';
import { metadataStart } from '../../../lance/format/file-reader.ts';
import { IN_PLACE_MESSAGES } from '../in-place-messages.ts';
import { joinRanges, missingRanges } from './byte-ranges.ts';

const READS_AT_ONCE = 32;
/** Reads of all files, whose content is in memory until it is written. */
const reads = new Semaphore(64);
/** The last bytes of a file, which mostly have all of its metadata. */
export const END_BYTES = 8192;

/** One request gets a fraction of S3's throughput, so longer ranges are divided. */
const REQUEST_BYTES = 2 * 2 ** 20;

/**
 * A file on this machine with some ranges of another one; the rest of it reads as zeros. It is open only while it is used: a table has
 * more data files than a process may open.
 */
export class SparseFile {
  readonly path: string;
  readonly size: number;
  /** Bytes that it has. */
  filledBytes = 0;
  readonly #source: RangeFile;
  #opening: Promise<FileHandle> | undefined;
  #users = 0;
  #filled: ByteRange[] = [];
  /** Ranges that are being read. */
  readonly #pending = new Map<readonly ByteRange[], Promise<void>>();

  private constructor(path: string, size: number, source: RangeFile) {
    this.path = path;
    this.size = size;
    this.#source = source;
  }

  /** Creates an empty one. */
  static async create(path: string, size: number, source: RangeFile): Promise<SparseFile> {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'wx');
    await file.truncate(size).finally(() => file.close());
    return new SparseFile(path, size, source);
  }

  /** Keeps the file open during `use`, so that its reads and writes need not open it each. */
  async opened<T>(use: (file: FileHandle) => Promise<T>): Promise<T> {
    this.#users++;
    this.#opening ??= open(this.path, 'r+');
    const opening = this.#opening;
    try {
      return await use(await opening);
    } finally {
      if (--this.#users === 0) {
        this.#opening = undefined;
        await opening.then((file) => file.close());
      }
    }
  }

  /** Reads ranges that it does not have yet. */
  async fill(ranges: readonly ByteRange[]): Promise<void> {
    const wanted = joinRanges(ranges);
    for (;;) {
      const missing = missingRanges(wanted, this.#filled);
      if (missing.length === 0) return;
      // Two queries that need the same range read it once; if that fails, the other one reads it again.
      const pending = [...this.#pending.keys()];
      const free = missingRanges(missing, joinRanges(pending.flat()));
      if (free.length > 0) await this.#read(joinRanges(free));
      else await Promise.race([...this.#pending.values()].map((reading) => reading.catch(() => {})));
    }
  }

  async #read(ranges: readonly ByteRange[]): Promise<void> {
    const reading = this.opened((file) =>
      mapConcurrently(ranges.flatMap(divide), READS_AT_ONCE, async ({ offset, bytes }) => {
        await reads.acquire();
        try {
          const content = new Uint8Array(bytes);
          await this.#source.read(content, offset);
          await writePart(file, content, offset);
        } finally {
          reads.release();
        }
      }),
    ).then(() => this.#add(ranges));
    this.#pending.set(ranges, reading);
    await reading.finally(() => this.#pending.delete(ranges));
  }

  /** Writes a range whose content is known without reading it. */
  async write(content: Uint8Array, offset: number): Promise<void> {
    await this.opened((file) => writePart(file, content, offset));
    this.#add([{ offset, bytes: content.length }]);
  }

  #add(ranges: readonly ByteRange[]): void {
    this.#filled = joinRanges([...this.#filled, ...ranges]);
    this.filledBytes = this.#filled.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Reads the metadata of a Lance file, which are at its end. @param endBytes that are read first: enough in most cases */
  async fillMetadata(endBytes = END_BYTES): Promise<void> {
    // The tables of a file with thousands of pages need the second step.
    for (const most of [endBytes, 64 * END_BYTES]) {
      const end = new Uint8Array(Math.min(this.size, most));
      const endAt = this.size - end.length;
      await this.fill([{ offset: endAt, bytes: end.length }]);
      await this.readBack(end, endAt);
      const start = metadataStart(end, this.size);
      if (start === undefined) continue;
      await this.fill([{ offset: start, bytes: this.size - start }]);
      return;
    }
    await this.fill([{ offset: 0, bytes: this.size }]);
  }

  /** Reads a range that it has. */
  async readBack(into: Uint8Array, offset: number): Promise<void> {
    await this.opened((file) => file.read(into, 0, into.length, offset));
  }

  async close(): Promise<void> {
    await this.#source.close();
  }

  /** Closes and deletes the file. */
  async abandon(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }
}

/** @throws TransientError where the disk is full */
async function writePart(file: FileHandle, content: Uint8Array, offset: number): Promise<void> {
  try {
    await writeAt(file, content, offset);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOSPC') throw error;
    throw new TransientError(IN_PLACE_MESSAGES.diskFull(tmpdir(), content.length), { cause: error });
  }
}

function divide({ offset, bytes }: ByteRange): ByteRange[] {
  return Array.from({ length: Math.ceil(bytes / REQUEST_BYTES) }, (_, i) => ({
    offset: offset + i * REQUEST_BYTES,
    bytes: Math.min(REQUEST_BYTES, bytes - i * REQUEST_BYTES),
  }));
}
