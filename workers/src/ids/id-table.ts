/** An occurrence of an id. */
export interface Place {
  /** Position of the input, from 0. */
  source: number;
  /** Row in the input, in the caller's numbering. */
  row: number;
}

export interface Duplicate {
  first: Place;
  second: Place;
}

/** Words of an entry: four of the hash of the id, one of the source, two of the row (low, high). */
export const ENTRY_WORDS = 7;
const FIRST_SLOTS = 1 << 12;
/** Fraction of used slots at which the table grows; above it, probe sequences get long. */
const LOAD = 0.7;

/**
 * A set of ids by 128-bit hash, with the place of each: open addressing in one typed array, 28 bytes per slot. The probability that
 * any two of 10^10 ids collide is 10^-19.
 */
export class IdTable {
  #slots: Uint32Array;
  #used: Uint8Array;
  #count = 0;
  readonly #maxCount: number;

  /** @param maxCount capacity */
  constructor(maxCount: number) {
    this.#maxCount = maxCount;
    this.#slots = new Uint32Array(FIRST_SLOTS * ENTRY_WORDS);
    this.#used = new Uint8Array(FIRST_SLOTS);
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= this.#maxCount;
  }

  /**
   * Adds the entry of ENTRY_WORDS words at `at`. Must not be called when full.
   * @returns the place of the same id, if the table has it
   */
  add(words: Uint32Array, at: number): Place | undefined {
    if (this.#count >= this.#used.length * LOAD) this.#grow();
    const slot = this.#find(words, at);
    if (this.#used[slot]) return placeOf(this.#slots, slot * ENTRY_WORDS);
    this.#put(slot, words, at);
    this.#count++;
    return undefined;
  }

  /** Calls `visit` for each entry, in arbitrary order. */
  forEach(visit: (words: Uint32Array, at: number) => void): void {
    for (let slot = 0; slot < this.#used.length; slot++) if (this.#used[slot]) visit(this.#slots, slot * ENTRY_WORDS);
  }

  /** Removes all entries; keeps the memory. */
  clear(): void {
    this.#used.fill(0);
    this.#count = 0;
  }

  /** Returns the slot of an id, or the free slot for it. */
  #find(words: Uint32Array, at: number): number {
    const mask = this.#used.length - 1;
    const slots = this.#slots;
    let slot = words[at + 1]! & mask;
    while (this.#used[slot]) {
      const other = slot * ENTRY_WORDS;
      if (
        slots[other] === words[at] &&
        slots[other + 1] === words[at + 1] &&
        slots[other + 2] === words[at + 2] &&
        slots[other + 3] === words[at + 3]
      )
        return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #put(slot: number, words: Uint32Array, at: number): void {
    const to = slot * ENTRY_WORDS;
    for (let word = 0; word < ENTRY_WORDS; word++) this.#slots[to + word] = words[at + word]!;
    this.#used[slot] = 1;
  }

  #grow(): void {
    const [slots, used] = [this.#slots, this.#used];
    this.#slots = new Uint32Array(slots.length * 2);
    this.#used = new Uint8Array(used.length * 2);
    for (let slot = 0; slot < used.length; slot++) {
      const at = slot * ENTRY_WORDS;
      if (used[slot]) this.#put(this.#find(slots, at), slots, at);
    }
  }
}

/** Writes a place into the last words of an entry. */
export function writePlace(words: Uint32Array, at: number, source: number, row: number): void {
  words[at + 4] = source;
  words[at + 5] = row;
  words[at + 6] = Math.floor(row / 2 ** 32);
}

export function placeOf(words: Uint32Array, at: number): Place {
  return { source: words[at + 4]!, row: words[at + 6]! * 2 ** 32 + words[at + 5]! };
}

/** Orders a pair of places. */
export function duplicateOf(one: Place, other: Place): Duplicate {
  const ordered = one.source - other.source || one.row - other.row;
  return ordered <= 0 ? { first: one, second: other } : { first: other, second: one };
}
