import { FRAGMENT_ROWS } from '../../lance/format/file-format.ts';
/** A set of rows of a table, in memory that threads share. */
export interface RowSetMemory {
  /** Position in the table of each fragment's first row, and of the end. */
  fragmentStarts: Float64Array;
  /** A bit a row. */
  words: Int32Array;
  /** Rows of the set in all words before; filled by `index`. */
  before: Int32Array;
}

/** Allocates an empty set. @param fragments of the table, in table order */
export function allocateRowSet(fragments: ReadonlyArray<{ rows: number }>): RowSetMemory {
  const fragmentStarts = new Float64Array(new SharedArrayBuffer(8 * (fragments.length + 1)));
  for (const [i, { rows }] of fragments.entries()) fragmentStarts[i + 1] = fragmentStarts[i]! + rows;
  const words = Math.ceil(fragmentStarts[fragments.length]! / 32);
  return {
    fragmentStarts,
    words: new Int32Array(new SharedArrayBuffer(4 * words)),
    before: new Int32Array(new SharedArrayBuffer(4 * words)),
  };
}

/** A set of rows by LanceDB's row ids (fragment * 2^32 + offset), which finds a row's place among them in constant time. */
export class RowSet {
  readonly #memory: RowSetMemory;
  /** Rows in the set, once it is indexed. */
  size = 0;

  constructor(memory: RowSetMemory) {
    this.#memory = memory;
  }

  /** Adds a row; other threads may add rows at the same time. */
  add(rowId: number): void {
    const at = this.#positionInTable(rowId);
    const { words } = this.#memory;
    const bit = 1 << (at % 32);
    if ((words[at >>> 5]! & bit) === 0) Atomics.or(words, at >>> 5, bit);
  }

  clear(): void {
    this.#memory.words.fill(0);
  }

  /** Counts the rows, after all were added and before `place` is called. @returns their ids, ascending */
  index(): Float64Array {
    const { words, before, fragmentStarts } = this.#memory;
    let size = 0;
    for (let word = 0; word < words.length; word++) {
      before[word] = size;
      size += countBits(words[word]!);
    }
    this.size = size;
    const rowIds = new Float64Array(size);
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
    const at = this.#positionInTable(rowId);
    const { words, before } = this.#memory;
    const lower = (1 << (at % 32)) - 1;
    return before[at >>> 5]! + countBits(words[at >>> 5]! & lower);
  }

  #positionInTable(rowId: number): number {
    const fragment = Math.floor(rowId / FRAGMENT_ROWS);
    return this.#memory.fragmentStarts[fragment]! + rowId - fragment * FRAGMENT_ROWS;
  }
}

function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
