import { closeSync, openSync } from 'node:fs';
import { CRC64 } from '../../base/bytes/checksum.ts';
import { columnLength, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import { writePieces } from '../../base/files/write-pieces.ts';
import {
  DATA_FILE_VERSION,
  type DataColumns,
  encodeDataDescriptor,
  PADDING,
  textEncoding,
  vectorBytes,
  vectorEncoding,
} from './data-file-format.ts';
import { ALIGNMENT, type ByteRange, encodeColumnMetadata, encodeFooter, type PageDescription } from './file-format.ts';
import { TextPage } from './text-page.ts';

/** Maximum bytes of a page of vectors, as in LanceDB. */
const VECTOR_PAGE_BYTES = 32 * 2 ** 20;
/** A page of texts is written when it has this many bytes. */
const TEXT_PAGE_BYTES = 4 * 2 ** 20;

/** A finished data file. */
export interface WrittenDataFile {
  rows: number;
  bytes: number;
  /** CRC-64 of the file. */
  checksum: string;
  /** The range in which the vectors lie end to end, and their CRC-64. */
  vectors: ByteRange & { checksum: string };
  /** CRC-64 of the file without its vectors. */
  restChecksum: string;
}

/**
 * Writes a data file of format 2.0 from its first to its last row: the vectors first, then pages of texts, then the metadata.
 * Memory does not depend on the row count. All calls are synchronous, for worker threads.
 */
export class DataFileWriter {
  readonly #columns: DataColumns;
  readonly #rows: number;
  readonly #file: number;
  readonly #texts: { page: TextPage; written: PageDescription[] }[];
  readonly #vectorsEnd: number;
  /** Position of the next vectors. */
  #vectorsAt = 0;
  #vectorsSum = 0n;
  /** Position of the next buffer after the vectors. */
  #restAt: number;
  #restSum = 0n;

  /**
   * Creates the file.
   * @param rows the row count of the finished file
   * @throws a system error if the file exists
   */
  constructor(path: string, columns: DataColumns, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
    this.#vectorsEnd = rows * vectorBytes(columns.vectors);
    this.#restAt = this.#vectorsEnd;
    this.#texts = columns.texts.map(() => ({ page: new TextPage(), written: [] }));
    this.#file = openSync(path, 'wx');
  }

  /**
   * Appends rows. The caller may reuse the buffers after the call.
   * @param vectors in the stored type, in pieces of any size
   * @param texts one per utf8 column, each with the same row count
   * @throws RangeError if the columns differ in their row counts, or the file would have more rows than it was created for
   */
  append(vectors: readonly Uint8Array[], texts: readonly Utf8Column[]): void {
    const byteCount = vectors.reduce((sum, { length }) => sum + length, 0);
    const rows = byteCount / vectorBytes(this.#columns.vectors);
    if (
      !Number.isInteger(rows) ||
      texts.length !== this.#texts.length ||
      texts.some((column) => columnLength(column) !== rows)
    )
      throw new RangeError(`columns of different lengths: ${rows} vectors`);
    if (this.#vectorsAt + byteCount > this.#vectorsEnd) throw new RangeError(`more than ${this.#rows} rows`);
    writePieces(this.#file, vectors, this.#vectorsAt);
    for (const piece of vectors) this.#vectorsSum = CRC64.of(piece, this.#vectorsSum);
    this.#vectorsAt += byteCount;
    for (const [i, { page }] of this.#texts.entries()) {
      page.add(texts[i]!);
      if (page.byteCount >= TEXT_PAGE_BYTES) this.#flush(i);
    }
  }

  /**
   * Writes the metadata and closes the file.
   * @throws RangeError if rows are missing
   */
  finish(): WrittenDataFile {
    if (this.#vectorsAt !== this.#vectorsEnd) throw new RangeError(`fewer than ${this.#rows} rows`);
    for (const [i] of this.#texts.entries()) this.#flush(i);
    const descriptor = this.#write(encodeDataDescriptor(this.#columns, this.#rows));
    const columns = [this.#vectorPages(), ...this.#texts.map(({ written }) => written)].map((pages) =>
      this.#write(encodeColumnMetadata(pages), 1),
    );
    this.#write(encodeFooter(this.#restAt, columns, [descriptor], DATA_FILE_VERSION), 1);
    this.close();
    const restBytes = this.#restAt - this.#vectorsEnd;
    return {
      rows: this.#rows,
      bytes: this.#restAt,
      checksum: CRC64.format(CRC64.combine(this.#vectorsSum, this.#restSum, restBytes)),
      vectors: { offset: 0, bytes: this.#vectorsEnd, checksum: CRC64.format(this.#vectorsSum) },
      restChecksum: CRC64.format(this.#restSum),
    };
  }

  /** Closes a file that is not finished. */
  close(): void {
    closeSync(this.#file);
  }

  /** Divides the vectors into pages, which lie end to end: readers plan page by page. */
  #vectorPages(): PageDescription[] {
    const rowBytes = vectorBytes(this.#columns.vectors);
    const encoding = vectorEncoding(this.#columns.vectors);
    // A multiple of ALIGNMENT, so that every page begins aligned.
    const pageRows = Math.max(ALIGNMENT, Math.floor(VECTOR_PAGE_BYTES / rowBytes / ALIGNMENT) * ALIGNMENT);
    const pages: PageDescription[] = [];
    for (let first = 0; first < this.#rows; first += pageRows) {
      const rows = Math.min(pageRows, this.#rows - first);
      const buffers = [{ offset: first * rowBytes, bytes: rows * rowBytes }];
      pages.push({ buffers, rows, encoding, priority: first || undefined });
    }
    return pages;
  }

  #flush(column: number): void {
    const { page, written } = this.#texts[column]!;
    if (page.rows === 0) return;
    const { rows, ends, bytes } = page.take();
    const encoding = textEncoding(bytes.length);
    const first = written.reduce((sum, { rows: before }) => sum + before, 0);
    written.push({ buffers: [this.#write(ends), this.#write(bytes)], rows, encoding, priority: first || undefined });
  }

  /** Writes a buffer after the vectors. */
  #write(bytes: Uint8Array, alignment = ALIGNMENT): ByteRange {
    const offset = Math.ceil(this.#restAt / alignment) * alignment;
    const padding = new Uint8Array(offset - this.#restAt).fill(PADDING);
    writePieces(this.#file, [padding, bytes], this.#restAt);
    this.#restSum = CRC64.of(bytes, CRC64.of(padding, this.#restSum));
    this.#restAt = offset + bytes.length;
    return { offset, bytes: bytes.length };
  }
}
