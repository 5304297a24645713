/** Bytes of a key: a 128-bit hash. */
export const KEY_BYTES = 16;
const KEY_WORDS = 4;
const EMPTY = -1;
const FIRST_SLOTS = 1 << 12;

/**
 * Maps 128-bit keys to record numbers in typed arrays: 20 bytes per slot, no objects. Open addressing; keys are hashes, so probing
 * starts at the slot of their first word.
 */
export class KeyIndex {
  readonly #maxKeys: number;
  #words = new Uint32Array(FIRST_SLOTS * KEY_WORDS);
  #records = new Int32Array(FIRST_SLOTS).fill(EMPTY);
  #count = 0;

  /** @param maxKeys further keys are ignored, which bounds the memory */
  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= this.#maxKeys;
  }

  /** Returns the record of the key `keys[at .. at + 4)`, or undefined. */
  get(keys: Uint32Array, at: number): number | undefined {
    const record = this.#records[this.#slotOf(keys, at)]!;
    return record === EMPTY ? undefined : record;
  }

  /** Adds a key, unless it already has a record. */
  add(keys: Uint32Array, at: number, record: number): void {
    if (this.isFull) return;
    if (4 * (this.#count + 1) > 3 * this.#records.length) this.#grow();
    const slot = this.#slotOf(keys, at);
    if (this.#records[slot] !== EMPTY) return;
    this.#records[slot] = record;
    this.#words.set(keys.subarray(at, at + KEY_WORDS), slot * KEY_WORDS);
    this.#count++;
  }

  /** Returns the slot of the key, or the empty slot for it. */
  #slotOf(keys: Uint32Array, at: number): number {
    const mask = this.#records.length - 1;
    let slot = keys[at]! & mask;
    while (this.#records[slot] !== EMPTY && !this.#holds(slot, keys, at)) slot = (slot + 1) & mask;
    return slot;
  }

  #holds(slot: number, keys: Uint32Array, at: number): boolean {
    const words = this.#words;
    const base = slot * KEY_WORDS;
    for (let i = 0; i < KEY_WORDS; i++) if (words[base + i] !== keys[at + i]) return false;
    return true;
  }

  #grow(): void {
    const words = this.#words;
    const records = this.#records;
    this.#words = new Uint32Array(words.length * 2);
    this.#records = new Int32Array(records.length * 2).fill(EMPTY);
    for (let slot = 0; slot < records.length; slot++) {
      if (records[slot] === EMPTY) continue;
      const target = this.#slotOf(words, slot * KEY_WORDS);
      this.#records[target] = records[slot]!;
      this.#words.set(words.subarray(slot * KEY_WORDS, (slot + 1) * KEY_WORDS), target * KEY_WORDS);
    }
  }
}
