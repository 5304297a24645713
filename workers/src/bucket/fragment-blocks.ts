import { FRAGMENT_ROWS } from '../lance/format/file-format.ts';
/** Rows [first, end) of a table, in table order. */
export interface RowSpan {
  first: number;
  end: number;
}

/** Consecutive rows of a fragment. */
export interface FragmentRows {
  fragment: number;
  /** Position of the first row in the fragment. */
  offset: number;
  rows: number;
}

/** Rows of a span, at most one block, and the fragments that store them. */
export interface FragmentBlock<S extends RowSpan = RowSpan> {
  span: S;
  rows: number;
  parts: FragmentRows[];
}

/** Divides ascending spans into blocks. @param fragments of the table, in table order */
export function* fragmentBlocks<S extends RowSpan>(
  spans: Iterable<S>,
  fragments: ReadonlyArray<{ rows: number }>,
  blockRows: number,
): Generator<FragmentBlock<S>> {
  let fragment = 0;
  let firstRow = 0;
  for (const span of spans) {
    for (let first = span.first; first < span.end; first += blockRows) {
      const end = Math.min(span.end, first + blockRows);
      const parts: FragmentRows[] = [];
      for (let row = first; row < end; ) {
        while (firstRow + fragments[fragment]!.rows <= row) firstRow += fragments[fragment++]!.rows;
        const rows = Math.min(end, firstRow + fragments[fragment]!.rows) - row;
        parts.push({ fragment, offset: row - firstRow, rows });
        row += rows;
      }
      yield { span, rows: end - first, parts };
    }
  }
}

/** Computes LanceDB's row ids of a block: fragment * 2^32 + position in the fragment. */
export function rowIdsOf(parts: readonly FragmentRows[], into: Float64Array): void {
  let at = 0;
  for (const { fragment, offset, rows } of parts)
    for (let i = 0; i < rows; i++) into[at++] = fragment * FRAGMENT_ROWS + offset + i;
}
