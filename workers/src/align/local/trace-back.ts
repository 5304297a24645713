import { GAP_EXTEND, GAP_OPEN, STORED_ZERO, type TRACE_NUMBERS } from './kernel-frame.ts';
import { PATH_BITS } from './path-kernel.ts';
import { MATRIX_COLUMNS, type Residues, SCORES } from './residues.ts';

/**
 * The best local alignment of a pair. Positions count from 0; ends are exclusive. `identical` counts pairs of equal residues, `columns` pairs
 * and gaps. All numbers are zero where no pair of residues scores above zero.
 */
export type LocalAlignment = Record<(typeof TRACE_NUMBERS)[number], number>;

/** What a path kernel wrote of one lane. */
export interface LanePath {
  /** Stored numbers of all lanes: the best score, then those after each column, then the bits of each cell. */
  numbers: Int8Array | Int16Array;
  lane: number;
  /** Columns of the kernel, at least as many as the target has residues. */
  columns: number;
}

const NONE = { score: 0, queryEnd: 0, targetEnd: 0, queryStart: 0, targetStart: 0, identical: 0, columns: 0 };

/** Follows the path of the best alignment back from its end, the first in order of the target's, then the query's. */
export function traceBack(query: Residues, target: Residues, { numbers, lane, columns }: LanePath): LocalAlignment {
  const bits = (8 * numbers.BYTES_PER_ELEMENT) as 8 | 16;
  const lanes = 128 / bits;
  const score = numbers[lane]! - STORED_ZERO[bits];
  if (score === 0) return { ...NONE };
  const bestAfter = (column: number) => numbers[(1 + column) * lanes + lane]!;
  const bitsAt = (row: number, column: number) => -numbers[(1 + columns + column * query.length + row) * lanes + lane]!;
  let [low, high] = [0, target.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bestAfter(middle) === numbers[lane]) high = middle;
    else low = middle + 1;
  }
  let column = low;
  let row = query.length - 1;
  // The last cell of the column that is better than all before it is the best of all.
  while (!(bitsAt(row, column) & PATH_BITS.isBest)) row--;
  const found = { ...NONE, score, queryEnd: row + 1, targetEnd: column + 1 };
  for (let left = score; left > 0; ) {
    const cell = bitsAt(row, column);
    if (cell & PATH_BITS.takesF) {
      for (let isOpen = false; !isOpen; row--, found.columns++) {
        isOpen = (bitsAt(row - 1, column) & PATH_BITS.opensF) !== 0;
        left += isOpen ? GAP_OPEN : GAP_EXTEND;
      }
    } else if (cell & PATH_BITS.takesE) {
      for (let isOpen = false; !isOpen; column--, found.columns++) {
        isOpen = (bitsAt(row, column - 1) & PATH_BITS.opensE) !== 0;
        left += isOpen ? GAP_OPEN : GAP_EXTEND;
      }
    } else {
      left -= SCORES[query[row]! * MATRIX_COLUMNS + target[column]!]!;
      if (query[row] === target[column]) found.identical++;
      row--;
      column--;
      found.columns++;
    }
  }
  return { ...found, queryStart: row + 1, targetStart: column + 1 };
}
