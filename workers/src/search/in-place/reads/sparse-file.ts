import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { mapConcurrently } from '../../../base/concurrency/map-concurrently.ts';
import { writeAt } from '../../../base/files/write-atomically.ts';
import type { RangeFile } from '../../../database/table-reader.ts';
import type { ByteRange } from '../../../lance/format/file-format.ts';
import { metadataStart } from '../../../lance/format/file-reader.ts';
import { joinRanges, missingRanges } from './byte-ranges.ts';

const READS_AT_ONCE = 32;
/** The last bytes of a file, which mostly have all of its metadata. */
export const END_BYTES = 8192;

/** One request gets a fraction of S3's throughput, so longer ranges are divided. */
const REQUEST_BYTES = 2 * 2 ** 20;

/** A file on this machine with some ranges of another one; the rest of it reads as zeros. */
export class SparseFile {
  readonly path: string;
  readonly size: number;
  /** Bytes that it has. */
  filledBytes = 0;
  readonly #file: FileHandle;
  readonly #source: RangeFile;
  #filled: ByteRange[] = [];
  /** Ranges that are being read. */
  readonly #pending = new Map<readonly ByteRange[], Promise<void>>();

  private constructor(path: string, size: number, file: FileHandle, source: RangeFile) {
    this.path = path;
    this.size = size;
    this.#file = file;
    this.#source = source;
  }

  /** Creates an empty one. */
  static async create(path: string, size: number, source: RangeFile): Promise<SparseFile> {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'wx+');
    await file.truncate(size);
    return new SparseFile(path, size, file, source);
  }

  /** Reads ranges that it does not have yet. @param gap bytes between two ranges that are read with them, to save a request */
  async fill(ranges: readonly ByteRange[], gap: number): Promise<void> {
    const wanted = joinRanges(ranges, 0);
    for (;;) {
      const missing = missingRanges(wanted, this.#filled);
      if (missing.length === 0) return;
      // Two queries that need the same range read it once; if that fails, the other one reads it again.
      const pending = [...this.#pending.keys()];
      const free = missingRanges(missing, joinRanges(pending.flat(), 0));
      if (free.length > 0) await this.#read(joinRanges(free, gap));
      else await Promise.race([...this.#pending.values()].map((reading) => reading.catch(() => {})));
    }
  }

  async #read(ranges: readonly ByteRange[]): Promise<void> {
    const reading = mapConcurrently(ranges.flatMap(divide), READS_AT_ONCE, async ({ offset, bytes }) => {
      const content = new Uint8Array(bytes);
      await this.#source.read(content, offset);
      await writeAt(this.#file, content, offset);
    }).then(() => this.#add(ranges));
    this.#pending.set(ranges, reading);
    await reading.finally(() => this.#pending.delete(ranges));
  }

  /** Writes a range whose content is known without reading it. */
  async write(content: Uint8Array, offset: number): Promise<void> {
    await writeAt(this.#file, content, offset);
    this.#add([{ offset, bytes: content.length }]);
  }

  #add(ranges: readonly ByteRange[]): void {
    this.#filled = joinRanges([...this.#filled, ...ranges], 0);
    this.filledBytes = this.#filled.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Reads the metadata of a Lance file, which are at its end. @param endBytes that are read first: enough in most cases */
  async fillMetadata(endBytes = END_BYTES): Promise<void> {
    const bytes = Math.min(this.size, endBytes);
    const end = new Uint8Array(bytes);
    const endAt = this.size - bytes;
    await this.fill([{ offset: endAt, bytes }], 0);
    await this.readBack(end, endAt);
    let start = metadataStart(end, this.size);
    if (start === undefined) {
      // The tables of a file with thousands of pages.
      await this.fill(
        [{ offset: Math.max(0, this.size - 64 * END_BYTES), bytes: Math.min(this.size, 64 * END_BYTES) }],
        0,
      );
      const more = new Uint8Array(Math.min(this.size, 64 * END_BYTES));
      await this.readBack(more, this.size - more.length);
      start = metadataStart(more, this.size) ?? 0;
    }
    await this.fill([{ offset: start, bytes: this.size - start }], 0);
  }

  /** Reads a range that it has. */
  async readBack(into: Uint8Array, offset: number): Promise<void> {
    await this.#file.read(into, 0, into.length, offset);
  }

  async close(): Promise<void> {
    await Promise.all([this.#file.close(), this.#source.close()]);
  }

  /** Closes and deletes the file. */
  async abandon(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }
}

function divide({ offset, bytes }: ByteRange): ByteRange[] {
  return Array.from({ length: Math.ceil(bytes / REQUEST_BYTES) }, (_, i) => ({
    offset: offset + i * REQUEST_BYTES,
    bytes: Math.min(REQUEST_BYTES, bytes - i * REQUEST_BYTES),
  }));
}
