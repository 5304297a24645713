import { type FileHandle, open } from 'node:fs/promises';
import { writeAt } from '../../base/files/write-atomically.ts';
import {
  type ByteRange,
  encodeColumnMetadata,
  encodeFileDescriptor,
  encodeFooter,
  type LanceColumn,
  type LancePage,
} from './file-format.ts';

/** What a page begins at a multiple of. */
const ALIGNMENT = 64;

/** Writes a Lance file from its first to its last row, with nothing kept in memory but where the pages are. */
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
      columns.push(await place(encodeColumnMetadata(column, this.#pages[i]!)));
    const tables = Math.ceil(this.#position / ALIGNMENT) * ALIGNMENT;
    await this.#write(encodeFooter(tables, columns, globals));
    await this.#file.sync();
    await this.close();
    return this.#position;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** @returns where the bytes begin */
  async #write(bytes: Uint8Array): Promise<number> {
    const offset = Math.ceil(this.#position / ALIGNMENT) * ALIGNMENT;
    // What is left out between two pages reads as zeros.
    await writeAt(this.#file, bytes, offset);
    this.#position = offset + bytes.length;
    return offset;
  }
}
