import { closeSync, openSync } from 'node:fs';
import { constants, zstdCompressSync } from 'node:zlib';
import { CRC64 } from '../../../base/bytes/checksum.ts';
import { columnLength, columnSlice, type Utf8Column } from '../../../base/bytes/utf8-column.ts';
import { isNullCell, NUMBER_BYTES } from '../../../base/columns/cells.ts';
import type { Column } from '../../../base/columns/column-type.ts';
import { writePieces } from '../../../base/files/write-pieces.ts';
import { DATA_FILE_VERSION, PADDING } from '../data-file-format.ts';
import { ALIGNMENT, type ByteRange, encodeColumnMetadata, encodeFooter, type PageDescription } from '../file-format.ts';
import {
  encodeKeptDescriptor,
  keptNumberEncoding,
  keptTextEncoding,
  nullableNumberEncoding,
} from './kept-columns-format.ts';

/**
 * Bytes of texts that are compressed together. A reader decompresses a page for any row of it, so small pages make single rows cheap;
 * smaller ones compress no better and have more metadata.
 */
const TEXT_PAGE_BYTES = 2 ** 16;
/** Numbers are not compressed: a reader fetches the rows that it needs. */
const NUMBER_PAGE_ROWS = 2 ** 19;
/** The fastest level: sequences compress to 4.2 bits a residue, their entropy, at every level. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** A finished file of kept columns. */
export interface WrittenKeptColumns {
  bytes: number;
  /** CRC-64 of the file. */
  checksum: string;
}

/** Writes the data file of a fragment's kept columns, one column after another. All calls are synchronous, for worker threads. */
export class KeptColumnsWriter {
  readonly #columns: readonly Column[];
  readonly #firstId: number;
  readonly #rows: number;
  readonly #file: number;
  readonly #pages: PageDescription[][] = [];
  /** Rows of the last column so far. */
  #filled = 0;
  #position = 0;
  #sum = 0n;

  /** Creates the file. @param firstId the table's id of the first column @param rows of the finished file */
  constructor(path: string, columns: readonly Column[], firstId: number, rows: number) {
    this.#columns = columns;
    this.#firstId = firstId;
    this.#rows = rows;
    this.#file = openSync(path, 'wx');
  }

  /** Begins the next column, in the order of the columns. @throws RangeError if rows of the column before are missing */
  beginColumn(): void {
    this.#requireAllRows();
    this.#pages.push([]);
    this.#filled = 0;
  }

  /** Appends rows of the column, as cells. */
  append(cells: Utf8Column): void {
    const { type } = this.#columns[this.#pages.length - 1]!;
    const rows = columnLength(cells);
    for (let first = 0; first < rows; ) {
      const end = type === 'utf8' ? endOfPage(cells, first) : Math.min(rows, first + NUMBER_PAGE_ROWS);
      const page = columnSlice(cells, first, end);
      this.#addPage(type === 'utf8' ? this.#writeTexts(page) : this.#writeNumbers(page), end - first);
      first = end;
    }
  }

  /** Writes the metadata and closes the file. @throws RangeError if rows are missing */
  finish(): WrittenKeptColumns {
    this.#requireAllRows();
    if (this.#pages.length !== this.#columns.length) throw new RangeError('columns are missing');
    const descriptor = this.#write(encodeKeptDescriptor(this.#columns, this.#firstId, this.#rows));
    const columns = this.#pages.map((pages) => this.#write(encodeColumnMetadata(pages), 1));
    this.#write(encodeFooter(this.#position, columns, [descriptor], DATA_FILE_VERSION), 1);
    this.close();
    return { bytes: this.#position, checksum: CRC64.format(this.#sum) };
  }

  /** Closes a file that is not finished. */
  close(): void {
    closeSync(this.#file);
  }

  #requireAllRows(): void {
    if (this.#pages.length > 0 && this.#filled !== this.#rows)
      throw new RangeError(`${this.#filled} of ${this.#rows} rows`);
  }

  #addPage(page: Pick<PageDescription, 'buffers' | 'encoding'>, rows: number): void {
    this.#pages.at(-1)!.push({ ...page, rows, priority: this.#filled || undefined });
    this.#filled += rows;
  }

  #writeTexts(cells: Utf8Column): Pick<PageDescription, 'buffers' | 'encoding'> {
    const { bytes, offsets } = cells;
    const rows = columnLength(cells);
    // Lower halves of 64-bit numbers: one BigInt a row would be ten times slower. A page has less than 2^31 bytes.
    const ends = new Uint32Array(2 * rows);
    const nullMark = bytes.length + 1;
    // Where rows are null, the other texts move together.
    let text = bytes;
    let nulls = 0;
    for (let row = 0; row < rows; row++) {
      const isNull = isNullCell(cells, row);
      if (isNull && nulls++ === 0) text = bytes.slice();
      else if (!isNull && nulls > 0) text.copyWithin(offsets[row]! - nulls, offsets[row]!, offsets[row + 1]!);
      ends[2 * row] = offsets[row + 1]! - nulls + (isNull ? nullMark : 0);
    }
    const filled = text.subarray(0, bytes.length - nulls);
    const stored = filled.length > 0 ? zstdCompressSync(filled, LEVEL) : filled;
    const buffers = [this.#write(new Uint8Array(ends.buffer)), this.#write(stored)];
    return { buffers, encoding: keptTextEncoding(nullMark, filled.length > 0) };
  }

  #writeNumbers(cells: Utf8Column): Pick<PageDescription, 'buffers' | 'encoding'> {
    const rows = columnLength(cells);
    if (cells.bytes.length === rows * NUMBER_BYTES)
      return { buffers: [this.#write(cells.bytes)], encoding: keptNumberEncoding() };
    const values = new Uint8Array(rows * NUMBER_BYTES);
    const validity = new Uint8Array(Math.ceil(rows / 8));
    for (let row = 0; row < rows; row++) {
      if (isNullCell(cells, row)) continue;
      validity[row >> 3]! |= 1 << (row & 7);
      values.set(cells.bytes.subarray(cells.offsets[row]!, cells.offsets[row + 1]!), row * NUMBER_BYTES);
    }
    return { buffers: [this.#write(validity), this.#write(values)], encoding: nullableNumberEncoding() };
  }

  #write(bytes: Uint8Array, alignment = ALIGNMENT): ByteRange {
    const offset = Math.ceil(this.#position / alignment) * alignment;
    const padding = new Uint8Array(offset - this.#position).fill(PADDING);
    writePieces(this.#file, [padding, bytes], this.#position);
    this.#sum = CRC64.of(bytes, CRC64.of(padding, this.#sum));
    this.#position = offset + bytes.length;
    return { offset, bytes: bytes.length };
  }
}

/** Returns the end of the page that begins at row `first`: as many rows as fit, but at least one. */
function endOfPage({ offsets }: Utf8Column, first: number): number {
  const rows = offsets.length - 1;
  const most = offsets[first]! + TEXT_PAGE_BYTES;
  let end = first + 1;
  while (end < rows && end - first < MOST_TEXT_ROWS && offsets[end + 1]! <= most) end++;
  return end;
}

/** Rows of a page of short texts: taxa of 10 bytes fill a page of texts and ends. */
const MOST_TEXT_ROWS = TEXT_PAGE_BYTES / 8;
