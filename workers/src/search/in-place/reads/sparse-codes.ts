import { fragmentBlocks, type RowSpan, rowIdsOf } from '../../../bucket/fragment-blocks.ts';
import type { OpenBucket } from '../../../bucket/open-bucket.ts';
import type { ByteRange, LancePage } from '../../../lance/format/file-format.ts';
import { LanceFileReader } from '../../../lance/format/file-reader.ts';
import type { SparseFile } from './sparse-file.ts';

const ROW_ID_BYTES = 8;
const FACTOR_BYTES = 4;
/** Columns that are read whole at the first use: a table of a quarter of a million rows has factors of this size. */
const WHOLE_COLUMN_BYTES = 2 ** 20;

/** Columns of the file of codes that are read: name, and bytes a row. */
function columnsOf(dimension: number): [name: string, width: number][] {
  return [
    ['_rabit_codes', dimension / 8],
    ['__add_factors', FACTOR_BYTES],
    ['__scale_factors', FACTOR_BYTES],
  ];
}

/** The codes of a table's index (`auxiliary.idx`), of which partitions are read. Its rows are those of the table, in their order. */
export class SparseCodes {
  readonly #file: SparseFile;
  readonly #bucket: OpenBucket;
  readonly #firstRows: Float64Array;
  readonly #columns: { width: number; pages: LancePage[] }[];
  readonly #rowIds: LancePage[];
  readonly #filled = new Set<number>();

  private constructor(
    file: SparseFile,
    bucket: OpenBucket,
    firstRows: Float64Array,
    columns: { width: number; pages: LancePage[] }[],
    rowIds: LancePage[],
  ) {
    this.#file = file;
    this.#bucket = bucket;
    this.#firstRows = firstRows;
    this.#columns = columns;
    this.#rowIds = rowIds;
  }

  /** @throws RangeError if the file has other columns */
  static async open(file: SparseFile, bucket: OpenBucket, firstRows: Float64Array): Promise<SparseCodes> {
    await file.fillMetadata();
    const reader = await LanceFileReader.open(file.path);
    try {
      const pagesOf = async (name: string, width: number) => {
        const pages = await reader.pages(name, width);
        if (!pages) throw new RangeError(`lance: an index without the column ${name}`);
        return pages;
      };
      const columns = [];
      for (const [name, width] of columnsOf(bucket.entry.dimension))
        columns.push({ width, pages: await pagesOf(name, width) });
      return new SparseCodes(file, bucket, firstRows, columns, await pagesOf('_rowid', ROW_ID_BYTES));
    } finally {
      await reader.close();
    }
  }

  /**
   * Reads the codes of partitions, unless they are there. The ids of their rows follow from the order of the table.
   * @returns rows whose codes were there
   */
  async fill(partitions: Int32Array): Promise<number> {
    const rowsOf = (some: readonly number[]) =>
      some.reduce((sum, partition) => sum + this.#firstRows[partition + 1]! - this.#firstRows[partition]!, 0);
    const missing = [...partitions].filter((partition) => !this.#filled.has(partition)).sort((a, b) => a - b);
    const spans = missing.map((partition) => ({
      first: this.#firstRows[partition]!,
      end: this.#firstRows[partition + 1]!,
    }));
    const ranges = spans.flatMap(({ first, end }) =>
      this.#columns.flatMap(({ width, pages }) => rangesOf(pages, width, first, end)),
    );
    await this.#file.opened(() => this.#fill(spans, ranges));
    for (const partition of missing) this.#filled.add(partition);
    return rowsOf([...partitions]) - rowsOf(missing);
  }

  async #fill(spans: readonly RowSpan[], ranges: readonly ByteRange[]): Promise<void> {
    await this.#file.fill([...ranges, ...this.#wholeColumns()]);
    for (const { parts, rows, span } of fragmentBlocks(spans, this.#bucket.entry.fragments!, Number.MAX_SAFE_INTEGER)) {
      const ids = new Float64Array(rows);
      rowIdsOf(parts, ids);
      const bytes = new Uint8Array(BigUint64Array.from(ids, BigInt).buffer);
      let at = 0;
      for (const range of rangesOf(this.#rowIds, ROW_ID_BYTES, span.first, span.end)) {
        await this.#file.write(bytes.subarray(at, at + range.bytes), range.offset);
        at += range.bytes;
      }
    }
  }

  /** Returns small columns: each request for a part of them would cost more. */
  #wholeColumns(): ByteRange[] {
    const bytesOf = (pages: readonly LancePage[]) => pages.reduce((sum, { bytes }) => sum + bytes, 0);
    return this.#columns.flatMap(({ width, pages }) =>
      width === FACTOR_BYTES && bytesOf(pages) <= WHOLE_COLUMN_BYTES ? pages : [],
    );
  }
}

/** Returns where rows [first, end) of a column lie. */
function rangesOf(pages: readonly LancePage[], width: number, first: number, end: number): ByteRange[] {
  return pages.flatMap((page) => {
    const from = Math.max(first, page.firstRow);
    const to = Math.min(end, page.firstRow + page.rows);
    return from < to ? [{ offset: page.offset + (from - page.firstRow) * width, bytes: (to - from) * width }] : [];
  });
}
