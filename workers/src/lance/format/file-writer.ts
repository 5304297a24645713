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

/** Writes an index file from its first to its last row. Only the positions of the pages are kept in memory. */
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

  /** Appends rows. @param values for each column, rows * width bytes */
  async append(rows: number, values: readonly Uint8Array[]): Promise<void> {
    for (const [i, bytes] of values.entries()) {
      const offset = await this.#write(bytes);
      this.#pages[i]!.push({ offset, bytes: bytes.length, rows, firstRow: this.#rows });
    }
    this.#rows += rows;
  }

  /**
   * Ends the file.
   * @param globalBuffers numbered from 1
   * @returns its size
   */
  async finish(metadata: Readonly<Record<string, string>>, globalBuffers: readonly Uint8Array[]): Promise<number> {
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
    const tables = Math.ceil(this.#position / ALIGNMENT) * ALIGNMENT;
    await this.#write(encodeFooter(tables, columns, globals, INDEX_FILE_VERSION));
    await this.#file.sync();
    await this.close();
    return this.#position;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** @returns the position at which the bytes begin */
  async #write(bytes: Uint8Array): Promise<number> {
    const offset = Math.ceil(this.#position / ALIGNMENT) * ALIGNMENT;
    // Bytes between two pages are never written, and read as zeros.
    await writeAt(this.#file, bytes, offset);
    this.#position = offset + bytes.length;
    return offset;
  }
}
