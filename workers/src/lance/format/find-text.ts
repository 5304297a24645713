import { findFirst } from '../../base/concurrency/find-first.ts';
import { textEncoding } from './data-file-format.ts';
import { type BufferPage, LanceFileReader, metadataStart } from './file-reader.ts';

/** The last bytes of a data file, which mostly have all of its metadata. */
const END_BYTES = 8192;
const PAGES_AT_ONCE = 4;
const ROW_END_BYTES = 8;

/** Reads `into.length` bytes of a file from a position on. */
type ReadRange = (into: Uint8Array, position: number) => Promise<void>;

/**
 * Finds the first row of a data file whose text is `wanted`, by ranged reads. The texts of a page are read first, and where they end only if
 * these contain the wanted bytes.
 * @param column of texts without nulls
 * @param onRows called with the count of rows after each page
 * @returns the row; `absent` if there is none; `unknown` if the column is missing or stored in another form
 * @throws RangeError if it is not a Lance file, and the errors of `read`; the signal's reason
 */
export async function findText(
  { size, read }: { size: number; read: ReadRange },
  column: string,
  wanted: Buffer,
  { signal, onRows = () => {} }: { signal?: AbortSignal; onRows?: (rows: number) => void } = {},
): Promise<number | 'absent' | 'unknown'> {
  const pages = await textPages(size, read, column);
  if (!pages) return 'unknown';
  const row = await findFirst(pages, PAGES_AT_ONCE, async (page, stopped) => {
    signal?.throwIfAborted();
    if (stopped.aborted) return undefined;
    const found = await findInPage(page, read, wanted);
    onRows(page.rows);
    return found === undefined ? undefined : page.firstRow + found;
  });
  return row ?? 'absent';
}

/** Returns the pages of a column of texts as DataFileWriter writes them: ends of the rows, then the texts. */
async function textPages(size: number, read: ReadRange, column: string): Promise<BufferPage[] | undefined> {
  const readEnd = async (bytes: number) => {
    const end = new Uint8Array(Math.min(size, bytes));
    await read(end, size - end.length);
    return end;
  };
  let end = await readEnd(END_BYTES);
  let start = metadataStart(end, size);
  if (start === undefined) {
    // The tables of a file with thousands of pages.
    end = await readEnd(64 * END_BYTES);
    start = metadataStart(end, size) ?? 0;
  }
  if (start < size - end.length) end = await readEnd(size - start);
  const pages = await (await LanceFileReader.ofEnd(end, size)).bufferPages(column);
  const isPlain = pages?.every(
    ({ buffers: [, texts], encoding }) => texts && Buffer.compare(encoding, textEncoding(texts.bytes)) === 0,
  );
  return isPlain ? pages : undefined;
}

async function findInPage({ buffers, rows }: BufferPage, read: ReadRange, wanted: Buffer) {
  const [endRange, textRange] = buffers as [BufferPage['buffers'][0], BufferPage['buffers'][0]];
  const texts = Buffer.allocUnsafe(textRange.bytes);
  await read(texts, textRange.offset);
  if (!texts.includes(wanted)) return undefined;
  const ends = new Uint8Array(rows * ROW_END_BYTES);
  await read(ends, endRange.offset);
  // The low halves of 64-bit numbers: a page has less than 4 GiB.
  const words = new Uint32Array(ends.buffer);
  for (let row = 0, start = 0; row < rows; row++) {
    const end = words[2 * row]!;
    if (end - start === wanted.length && Buffer.compare(texts.subarray(start, end), wanted) === 0) return row;
    start = end;
  }
  return undefined;
}
