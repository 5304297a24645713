import { type FileHandle, open } from 'node:fs/promises';
import { writeAt } from '../../base/files/write-atomically.ts';
import {
  ALIGNMENT,
  type ByteRange,
  encodeFileDescriptor,
  encodeFooter,
  encodeIndexColumn,
  INDEX_FILE_VERSION,
  type LanceColumn,
  type LancePage,
} from './file-format.ts';

/** Assigns positions to the pages of an index file, which others write, and writes its metadata, at any time after the last page is assigned. */
export class LanceFileWriter {
  readonly #file: FileHandle;
  readonly #columns: readonly LanceColumn[];
  readonly #pages: LancePage[][];
  #position = 0;
  #rows = 0;

  private constructor(file: FileHandle, columns: readonly LanceColumn[]) {
    this.#file = file;
    this.#columns = columns;
    this.#pages = columns.map(() => []);
  }

  static async create(path: string, columns: readonly LanceColumn[]): Promise<LanceFileWriter> {
    return new LanceFileWriter(await open(path, 'wx'), columns);
  }

  /**
   * Reserves space for a page of each column.
   * @returns the pages, in the order of the columns
   */
  reserve(rows: number): LancePage[] {
    const firstRow = this.#rows;
    this.#rows += rows;
    return this.#columns.map(({ width }, i) => {
      const offset = aligned(this.#position);
      const page = { offset, bytes: rows * width, rows, firstRow };
      this.#position = offset + page.bytes;
      this.#pages[i]!.push(page);
      return page;
    });
  }

  /**
   * Writes the metadata.
   * @param globalBuffers those after the descriptor
   * @returns the file's byte count
   */
  async writeMetadata(
    metadata: Readonly<Record<string, string>>,
    globalBuffers: readonly Uint8Array[],
  ): Promise<number> {
    const place = async (bytes: Uint8Array): Promise<ByteRange> => ({
      offset: await this.#write(bytes),
      bytes: bytes.length,
    });
    const globals: ByteRange[] = [];
    const descriptor = encodeFileDescriptor(this.#columns, this.#rows, metadata);
    for (const buffer of [descriptor, ...globalBuffers]) globals.push(await place(buffer));
    const columns: ByteRange[] = [];
    for (const [i, column] of this.#columns.entries())
      columns.push(await place(encodeIndexColumn(column, this.#pages[i]!)));
    const tables = aligned(this.#position);
    await this.#write(encodeFooter(tables, columns, globals, INDEX_FILE_VERSION));
    return this.#position;
  }

  /** Flushes the file and closes it. */
  async finish(): Promise<void> {
    await this.#file.sync();
    await this.close();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** @returns the position at which the bytes begin */
  async #write(bytes: Uint8Array): Promise<number> {
    const offset = aligned(this.#position);
    // Bytes between two pages are never written, and read as zeros.
    await writeAt(this.#file, bytes, offset);
    this.#position = offset + bytes.length;
    return offset;
  }
}

function aligned(position: number): number {
  return Math.ceil(position / ALIGNMENT) * ALIGNMENT;
}
