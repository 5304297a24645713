/** The distinct vectors of a set, and the mapping from rows to them. */
export interface DistinctVectors {
  count: number;
  /** [count, D] */
  vectors: Float32Array;
  /** Position in `vectors` of each row's vector. */
  of: Int32Array;
}

const EMPTY = -1;

/**
 * Deduplicates vectors bit by bit. Distinct ones are moved to the front of `vectors` in order of first occurrence, which saves a
 * copy.
 * @param vectors [rows, D]; modified
 */
export function distinctVectors(vectors: Float32Array, dimension: number): DistinctVectors {
  const rows = vectors.length / dimension;
  const words = new Uint32Array(vectors.buffer, vectors.byteOffset, vectors.length);
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * rows + 2))).fill(EMPTY);
  const of = new Int32Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const slot = findSlot(slots, words, row * dimension, dimension);
    if (slots[slot] === EMPTY) {
      if (count < row) words.copyWithin(count * dimension, row * dimension, (row + 1) * dimension);
      slots[slot] = count++;
    }
    of[row] = slots[slot]!;
  }
  return { count, vectors: vectors.subarray(0, count * dimension), of };
}

/** Returns the slot of the vector at `from`, or the empty slot for it. */
function findSlot(slots: Int32Array, words: Uint32Array, from: number, dimension: number): number {
  const mask = slots.length - 1;
  let slot = hashOf(words, from, dimension) & mask;
  while (slots[slot] !== EMPTY && !isSame(words, slots[slot]! * dimension, from, dimension)) slot = (slot + 1) & mask;
  return slot;
}

function isSame(words: Uint32Array, a: number, b: number, dimension: number): boolean {
  for (let i = 0; i < dimension; i++) if (words[a + i] !== words[b + i]) return false;
  return true;
}

function hashOf(words: Uint32Array, from: number, dimension: number): number {
  let hash = dimension;
  for (let i = 0; i < dimension; i++) {
    hash = Math.imul(hash ^ words[from + i]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
