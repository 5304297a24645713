import type { Utf8Column } from '../../../base/bytes/utf8-column.ts';
import type { ByteRange } from '../../../lance/format/file-format.ts';
import type { BufferPage } from '../../../lance/format/file-reader.ts';
import type { SparseFile } from './sparse-file.ts';

/** Rows between two ids that are read with them. */
const ID_GAP_ROWS = 512;
const END_BYTES = 8;

/** Rows [first, end) of a page of ids: the end of each row's text, then the texts. */
interface IdSpan {
  page: BufferPage;
  first: number;
  end: number;
}

/** Reads ids in spans of rows: first where their texts end, then the texts. @param rows of the file, ascending */
export async function fillIds(file: SparseFile, pages: readonly BufferPage[], rows: Float64Array): Promise<void> {
  await fillSpans(file, spansOf(pages, rows));
}

/** Reads ids. @param rows of the file, ascending */
export async function readIds(file: SparseFile, pages: readonly BufferPage[], rows: Float64Array): Promise<Utf8Column> {
  const filled = await fillSpans(file, spansOf(pages, rows));
  const offsets = new Int32Array(rows.length + 1);
  const texts: Uint8Array[] = [];
  let at = 0;
  for (const { span, ends, range } of filled) {
    const bytes = new Uint8Array(range.bytes);
    await file.readBack(bytes, range.offset);
    // Before the first row of a page is no end.
    const shift = span.first === 0 ? 0 : 1;
    const endOf = (row: number) => (row + shift < 0 ? 0 : Number(ends[row + shift]!));
    const base = endOf(-1);
    for (; at < rows.length; at++) {
      const row = rows[at]! - span.page.firstRow - span.first;
      if (row >= span.end - span.first) break;
      texts.push(bytes.subarray(endOf(row - 1) - base, endOf(row) - base));
      offsets[at + 1] = offsets[at]! + texts.at(-1)!.length;
    }
  }
  return { offsets, bytes: Buffer.concat(texts) };
}

async function fillSpans(file: SparseFile, spans: readonly IdSpan[]) {
  const endRange = ({ page, first, end }: IdSpan): ByteRange => ({
    // The text of a row begins where that of the row before ends.
    offset: page.buffers[0]!.offset + END_BYTES * Math.max(0, first - 1),
    bytes: END_BYTES * (end - Math.max(0, first - 1)),
  });
  await file.fill(spans.map(endRange));
  const filled: { span: IdSpan; ends: BigUint64Array; range: ByteRange }[] = [];
  for (const span of spans) {
    const { offset, bytes } = endRange(span);
    const ends = new BigUint64Array(bytes / END_BYTES);
    await file.readBack(new Uint8Array(ends.buffer), offset);
    const start = span.first === 0 ? 0 : Number(ends[0]!);
    const range = { offset: span.page.buffers[1]!.offset + start, bytes: Number(ends.at(-1)!) - start };
    filled.push({ span, ends, range });
  }
  await file.fill(filled.map(({ range }) => range));
  return filled;
}

function spansOf(pages: readonly BufferPage[], rows: Float64Array): IdSpan[] {
  const spans: IdSpan[] = [];
  let row = 0;
  for (const page of pages) {
    let last: IdSpan | undefined;
    for (; row < rows.length && rows[row]! < page.firstRow + page.rows; row++) {
      const at = rows[row]! - page.firstRow;
      if (last && at <= last.end + ID_GAP_ROWS) last.end = at + 1;
      else {
        last = { page, first: at, end: at + 1 };
        spans.push(last);
      }
    }
  }
  return spans;
}
