import { type FileHandle, open } from 'node:fs/promises';
import { readFields, readPacked } from '../../base/bytes/protobuf.ts';
import type { ByteRange, LancePage } from './file-format.ts';

const FOOTER_BYTES = 40;
/** Fields of the messages that are read: protos/file2.proto of the Lance project. */
const FIELD = { schema: 1, column: 1, metadata: 5, name: 2, pages: 2, offsets: 1, sizes: 2, rows: 3, encoding: 4 };
/** Of an encoding: its place in the file, the bytes there, and the value of a message of type Any. */
const ENCODING_PATH = [2, 1, 2];

/** Rows of one column, in buffers that the page's encoding names. */
export interface BufferPage {
  buffers: ByteRange[];
  rows: number;
  /** The first row, counted from the beginning of the file. */
  firstRow: number;
  /** A message of type ArrayEncoding; empty if there is none. */
  encoding: Uint8Array;
}

/** Reads bytes of a file. */
type ReadPart = (position: number, length: number) => Promise<Uint8Array>;

/**
 * Finds where the metadata of a file begin, after all pages.
 * @param end the last bytes of the file @param size of the file
 * @returns undefined where `end` is too short to tell
 * @throws RangeError if it is not a Lance file
 */
export function metadataStart(end: Uint8Array, size: number): number | undefined {
  const view = viewOf(end);
  const footer = end.length - FOOTER_BYTES;
  if (footer < 0) return undefined;
  if (text(end.subarray(-4)) !== 'LANC') throw new RangeError('not a Lance file');
  const read = (at: number) => Number(view.getBigUint64(at, true));
  const tables = read(footer + 8);
  const count = view.getUint32(footer + 24, true) + view.getUint32(footer + 28, true);
  const first = tables - (size - end.length);
  if (first < 0) return undefined;
  return Math.min(...Array.from({ length: count }, (_, i) => read(first + 16 * i)));
}

/** Reads parts of a Lance file whose pages have one buffer each, as index files do. */
export class LanceFileReader {
  readonly #file: FileHandle | undefined;
  readonly #read: ReadPart;
  /** The first is the descriptor. */
  readonly globalBuffers: readonly ByteRange[];
  readonly #columns: readonly ByteRange[];
  readonly descriptor: Uint8Array;

  private constructor(
    file: FileHandle | undefined,
    read: ReadPart,
    { globals, columns, descriptor }: { globals: ByteRange[]; columns: ByteRange[]; descriptor: Uint8Array },
  ) {
    this.#file = file;
    this.#read = read;
    this.globalBuffers = globals;
    this.#columns = columns;
    this.descriptor = descriptor;
  }

  /** Opens a file. @param flags `r+` to replace rows @throws RangeError if it is not a Lance file */
  static async open(path: string, flags: 'r' | 'r+' = 'r'): Promise<LanceFileReader> {
    const file = await open(path, flags);
    try {
      const { size } = await file.stat();
      const read = (position: number, length: number) => readAt(file, position, length);
      return new LanceFileReader(file, read, await readTables(size, read));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Reads the metadata of a file of which only the end is there. @param end from `metadataStart` on @param size of the file */
  static async ofEnd(end: Uint8Array, size: number): Promise<LanceFileReader> {
    const read = async (position: number, length: number) => {
      const at = position - (size - end.length);
      if (at < 0 || at + length > end.length) throw new RangeError('a Lance file with metadata before its end');
      return end.slice(at, at + length);
    };
    return new LanceFileReader(undefined, read, await readTables(size, read));
  }

  /** Returns a value of the metadata in the file's descriptor. */
  metadata(key: string): string | undefined {
    for (const { field, bytes } of this.#schema()) {
      if (field !== FIELD.metadata) continue;
      const entry = readFields(bytes);
      if (text(entry.find((part) => part.field === 1)?.bytes) === key)
        return text(entry.find((part) => part.field === 2)?.bytes);
    }
    return undefined;
  }

  globalBuffer(i: number): Promise<Uint8Array> {
    const { offset, bytes } = this.globalBuffers[i]!;
    return this.#read(offset, bytes);
  }

  /**
   * Finds the pages of a column.
   * @param width bytes per row
   * @returns undefined if the column does not exist, or its rows are not contiguous
   */
  async pages(name: string, width: number): Promise<LancePage[] | undefined> {
    const pages = await this.bufferPages(name);
    const isPlain = pages?.every(({ buffers, rows }) => buffers.length === 1 && buffers[0]!.bytes === rows * width);
    return isPlain ? pages!.map(({ buffers, rows, firstRow }) => ({ ...buffers[0]!, rows, firstRow })) : undefined;
  }

  /** Finds the pages of a column, with any number of buffers. @returns undefined if the column does not exist */
  async bufferPages(name: string): Promise<BufferPage[] | undefined> {
    const columns = this.#schema().filter(({ field }) => field === FIELD.column);
    const column = columns.findIndex(
      ({ bytes }) => text(readFields(bytes).find(({ field }) => field === FIELD.name)?.bytes) === name,
    );
    if (column < 0) return undefined;
    const { offset, bytes } = this.#columns[column]!;
    const pages: BufferPage[] = [];
    let firstRow = 0;
    for (const { field, bytes: page } of readFields(await this.#read(offset, bytes))) {
      if (field !== FIELD.pages) continue;
      const parts = readFields(page);
      const find = (wanted: number) => parts.find((part) => part.field === wanted);
      const offsets = readPacked(find(FIELD.offsets)?.bytes ?? new Uint8Array());
      const sizes = readPacked(find(FIELD.sizes)?.bytes ?? new Uint8Array());
      const rows = Number(find(FIELD.rows)?.integer ?? 0);
      const encoding = ENCODING_PATH.reduce(
        (message, wanted) => readFields(message).find((part) => part.field === wanted)?.bytes ?? new Uint8Array(),
        find(FIELD.encoding)?.bytes ?? new Uint8Array(),
      );
      const buffers = offsets.map((start, i) => ({ offset: start, bytes: sizes[i]! }));
      pages.push({ buffers, rows, firstRow, encoding });
      firstRow += rows;
    }
    return pages;
  }

  /** Reads rows [first, first + bytes.length / width) of a column into `bytes`. */
  async readRows(pages: readonly LancePage[], width: number, first: number, bytes: Uint8Array): Promise<void> {
    for (const { at, position, length } of rangesOf(pages, width, first, bytes.length)) {
      const { bytesRead } = await this.#opened().read(bytes, at, length, position);
      if (bytesRead !== length) throw new RangeError('a Lance file that ends early');
    }
  }

  /** Replaces rows [first, first + bytes.length / width) of a column. */
  async replaceRows(pages: readonly LancePage[], width: number, first: number, bytes: Uint8Array): Promise<void> {
    for (const { at, position, length } of rangesOf(pages, width, first, bytes.length))
      await this.#opened().write(bytes, at, length, position);
  }

  /** Replaces the descriptor. @throws RangeError if the new one has another size */
  async replaceDescriptor(descriptor: Uint8Array): Promise<void> {
    if (descriptor.length !== this.descriptor.length) throw new RangeError('a descriptor of another size');
    await this.#opened().write(descriptor, 0, descriptor.length, this.globalBuffers[0]!.offset);
  }

  async sync(): Promise<void> {
    await this.#opened().sync();
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  #opened(): FileHandle {
    if (!this.#file) throw new Error('only the end of this file was read');
    return this.#file;
  }

  #schema() {
    const schema = readFields(this.descriptor).find(({ field }) => field === FIELD.schema);
    return schema ? readFields(schema.bytes) : [];
  }
}

/** Reads the footer of a file, what it points to, and the descriptor. */
async function readTables(size: number, read: ReadPart) {
  const footer = viewOf(await read(size - FOOTER_BYTES, FOOTER_BYTES));
  const ranges = async (position: number, count: number): Promise<ByteRange[]> => {
    const view = viewOf(await read(position, 16 * count));
    return Array.from({ length: count }, (_, i) => ({
      offset: Number(view.getBigUint64(16 * i, true)),
      bytes: Number(view.getBigUint64(16 * i + 8, true)),
    }));
  };
  const columns = await ranges(Number(footer.getBigUint64(8, true)), footer.getUint32(28, true));
  const globals = await ranges(Number(footer.getBigUint64(16, true)), footer.getUint32(24, true));
  return { columns, globals, descriptor: await read(globals[0]!.offset, globals[0]!.bytes) };
}

/** Yields the file ranges of rows, page by page: `length` bytes at `position` of the file belong at `at` in the rows' bytes. */
function* rangesOf(pages: readonly LancePage[], width: number, first: number, bytes: number) {
  const end = first + bytes / width;
  for (const page of pages) {
    const from = Math.max(first, page.firstRow);
    const to = Math.min(end, page.firstRow + page.rows);
    if (from < to)
      yield {
        at: (from - first) * width,
        position: page.offset + (from - page.firstRow) * width,
        length: (to - from) * width,
      };
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, position);
  if (bytesRead !== length) throw new RangeError('a Lance file that ends early');
  return buffer;
}

function text(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
