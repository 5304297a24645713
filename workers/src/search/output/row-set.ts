import { countBefore, countWords, positionOf, type RowBits } from '../../bucket/row-bits.ts';
import { FRAGMENT_ROWS } from '../../lance/format/file-format.ts';

/** A set of rows by LanceDB's row ids (fragment * 2^32 + offset), which finds a row's place among them in constant time. */
export class RowSet {
  readonly #bits: RowBits;
  /** Rows in the set, once it is indexed. */
  size = 0;

  constructor(bits: RowBits) {
    this.#bits = bits;
  }

  /** Adds a row; other threads may add rows at the same time. */
  add(rowId: number): void {
    const at = positionOf(this.#bits, rowId);
    const { words } = this.#bits;
    const bit = 1 << (at % 32);
    if ((words[at >>> 5]! & bit) === 0) Atomics.or(words, at >>> 5, bit);
  }

  clear(): void {
    this.#bits.words.fill(0);
  }

  /** Counts the rows, after all were added and before `place` is called. @returns their ids, ascending */
  index(): Float64Array {
    const { words, fragmentStarts } = this.#bits;
    this.size = countWords(this.#bits);
    const rowIds = new Float64Array(this.size);
    let fragment = 0;
    let next = 0;
    for (let word = 0; word < words.length; word++)
      for (let bits = words[word]!; bits !== 0; bits &= bits - 1) {
        const at = word * 32 + (31 - Math.clz32(bits & -bits));
        while (fragmentStarts[fragment + 1]! <= at) fragment++;
        rowIds[next++] = fragment * FRAGMENT_ROWS + at - fragmentStarts[fragment]!;
      }
    return rowIds;
  }

  /** Returns the position of a row of the set among its rows. */
  place(rowId: number): number {
    return countBefore(this.#bits, positionOf(this.#bits, rowId));
  }
}
