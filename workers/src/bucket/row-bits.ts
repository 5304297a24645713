import { FRAGMENT_ROWS } from '../lance/format/file-format.ts';

/** A bit for each row of a table, in memory that threads share. */
export interface RowBits {
  /** Position in the table of each fragment's first row, and of the end. */
  fragmentStarts: Float64Array;
  /** A bit a row, and at least one bit after the last row. */
  words: Int32Array;
  /** Set bits in all words before; filled by `countWords`. */
  before: Int32Array;
}

/** Allocates bits that are 0. @param fragments of the table, in table order */
export function allocateRowBits(fragments: ReadonlyArray<{ rows: number }>): RowBits {
  const fragmentStarts = new Float64Array(new SharedArrayBuffer(8 * (fragments.length + 1)));
  for (const [i, { rows }] of fragments.entries()) fragmentStarts[i + 1] = fragmentStarts[i]! + rows;
  const wordBytes = 4 * (Math.ceil(fragmentStarts[fragments.length]! / 32) + 1);
  return {
    fragmentStarts,
    words: new Int32Array(new SharedArrayBuffer(wordBytes)),
    before: new Int32Array(new SharedArrayBuffer(wordBytes)),
  };
}

/** Returns the position in the table of a row. @param rowId of LanceDB: fragment * 2^32 + position */
export function positionOf({ fragmentStarts }: RowBits, rowId: number): number {
  const fragment = Math.floor(rowId / FRAGMENT_ROWS);
  return fragmentStarts[fragment]! + (rowId - fragment * FRAGMENT_ROWS);
}

/** Counts the bits of all words, for `countBefore`. @returns the set bits */
export function countWords({ words, before }: RowBits): number {
  let count = 0;
  for (let word = 0; word < words.length; word++) {
    before[word] = count;
    count += countBits(words[word]!);
  }
  return count;
}

/** Returns the set bits before a position in the table, in constant time. */
export function countBefore({ words, before }: RowBits, position: number): number {
  const word = Math.floor(position / 32);
  return before[word]! + countBits(words[word]! & ((1 << (position % 32)) - 1));
}

function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
