import { partitionOf } from '../base/bytes/partition-of.ts';
import type { RowSpan } from '../bucket/fragment-blocks.ts';
import { PACK_ROWS } from './pack-codes.ts';

/** Maximum rows of a page. */
const PAGE_ROWS = 65_536;
/** A page ends at the last cut up to a multiple of this row count. */
const PAGE_STEP = 4096;
/** Maximum rows of a range: few enough that all threads finish at about the same time, many enough for long writes. */
const RANGE_ROWS = 8192;

/**
 * Divides the rows of an index into pages. They follow from the partitions alone, so threads can write them in any order.
 * @param firstRows first row of each partition, then the row count
 */
export function codePages(firstRows: Float64Array): RowSpan[] {
  const rows = firstRows.at(-1)!;
  const pages: RowSpan[] = [];
  for (let first = 0; first < rows; ) {
    const most = Math.min(rows, Math.floor((first + PAGE_ROWS) / PAGE_STEP) * PAGE_STEP);
    const end = lastCut(most, firstRows);
    pages.push({ first, end });
    first = end;
  }
  return pages;
}

/** Cuts a page into ranges whose codes can be packed independently. */
export function codeRanges({ first, end }: RowSpan, firstRows: Float64Array): RowSpan[] {
  const ranges: RowSpan[] = [];
  for (let from = first; from < end; ) {
    const to = lastCut(Math.min(from + RANGE_ROWS, end), firstRows);
    ranges.push({ first: from, end: to });
    from = to;
  }
  return ranges;
}

/** Returns the last cut up to `row`: the beginning of a partition, or of a group of packed codes in one. */
function lastCut(row: number, firstRows: Float64Array): number {
  const start = firstRows[partitionOf(row, firstRows)]!;
  return row - ((row - start) % PACK_ROWS);
}
