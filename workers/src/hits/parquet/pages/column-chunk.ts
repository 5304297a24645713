import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { Compression } from 'parquet-wasm';
import type { Texts } from '../../columns.ts';
import { type PageHeader, readPageHeader } from './page-header.ts';
import { readIndices } from './run-length.ts';

/** A stored column of a row group. */
export interface StoredColumn {
  bytes: Uint8Array;
  compression: Compression;
  rows: number;
}

/** Encodings that `createTable` uses. */
const PLAIN = 0;
const RLE_DICTIONARY = 8;

/**
 * Creates a decoder for the text columns that `createTable` writes: required, plain or dictionary-encoded. Its result is valid until the
 * next call: texts are not copied after decompression, and a repeated text is stored once.
 * @throws RangeError if the bytes are damaged (and errors of zlib)
 */
export function createTextDecoder(): (column: StoredColumn) => Texts {
  let store = new Uint8Array(0);
  let starts = new Int32Array(0);
  let ends = new Int32Array(0);
  return (column) => {
    const headers = [...pageHeaders(column.bytes)];
    const size = headers.reduce((sum, { pageBytes }) => sum + pageBytes, 0);
    const entries = headers.reduce((sum, { values }) => sum + values, 0);
    if (store.length < size) store = new Uint8Array(Math.ceil(size * 1.25));
    if (starts.length < entries) {
      starts = new Int32Array(entries);
      ends = new Int32Array(entries);
    }
    let used = 0;
    let row = 0;
    // Dictionary entries follow the rows.
    const dictionary = entries - (headers[0]?.kind === 'dictionary' ? headers[0].values : 0);
    for (const header of headers) {
      const page = decompress(column, header);
      if (header.encoding === RLE_DICTIONARY) {
        readIndices(page, header.values, (index, count) => {
          const entry = dictionary + index;
          if (entry >= entries) throw new RangeError('an index beyond its dictionary');
          starts.fill(starts[entry]!, row, row + count);
          ends.fill(ends[entry]!, row, row + count);
          row += count;
        });
      } else {
        requirePlain(header);
        store.set(page, used);
        const first = header.kind === 'dictionary' ? dictionary : row;
        findTexts(store, used, used + page.length, starts, ends, first, header.values);
        used += page.length;
        if (header.kind === 'data') row += header.values;
      }
    }
    requireRows(row, column.rows);
    return { bytes: store, starts: starts.subarray(0, row), ends: ends.subarray(0, row) };
  };
}

/** Creates a decoder for float32 columns, like `createTextDecoder`. */
export function createFloatDecoder(): (column: StoredColumn) => Float32Array {
  let values = new Float32Array(0);
  return (column) => {
    if (values.length < column.rows) values = new Float32Array(column.rows);
    const bytes = new Uint8Array(values.buffer);
    let row = 0;
    for (const header of pageHeaders(column.bytes)) {
      requirePlain(header);
      const page = decompress(column, header);
      if (page.length !== header.values * 4) throw new RangeError('a page of numbers has the wrong length');
      requireRows(Math.max(row + header.values, column.rows), column.rows);
      bytes.set(page, row * 4);
      row += header.values;
    }
    requireRows(row, column.rows);
    return values.subarray(0, row);
  };
}

/** Locates plain texts; each is preceded by its length in four bytes. */
function findTexts(
  bytes: Uint8Array,
  start: number,
  end: number,
  starts: Int32Array,
  ends: Int32Array,
  first: number,
  count: number,
) {
  let at = start;
  for (let i = first; i < first + count; i++) {
    const length = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    starts[i] = at + 4;
    at += 4 + length;
    if (length < 0 || at > end) throw new RangeError('a text exceeds its page');
    ends[i] = at;
  }
}

function* pageHeaders(bytes: Uint8Array): Generator<PageHeader> {
  for (let at = 0; at < bytes.length; ) {
    const header = readPageHeader(bytes, at);
    yield header;
    at = header.end + header.storedBytes;
  }
}

function decompress({ bytes, compression }: StoredColumn, { end, storedBytes, pageBytes }: PageHeader): Uint8Array {
  const stored = bytes.subarray(end, end + storedBytes);
  // One chunk of the known size, because growing in steps takes 50% longer.
  const options = { maxOutputLength: Math.max(1, pageBytes), chunkSize: Math.max(64, pageBytes) };
  const page =
    compression === Compression.ZSTD
      ? zstdDecompressSync(stored, options)
      : compression === Compression.GZIP
        ? gunzipSync(stored, options)
        : stored;
  if (page.length !== pageBytes) throw new RangeError('a page differs in length from its header');
  return page;
}

function requirePlain({ encoding }: PageHeader) {
  // Two encoding numbers mean a plain dictionary.
  if (encoding !== PLAIN && encoding !== 2) throw new RangeError(`a page in encoding ${encoding}`);
}

function requireRows(found: number, rows: number) {
  if (found !== rows) throw new RangeError(`${found} rows in a column of ${rows}`);
}
