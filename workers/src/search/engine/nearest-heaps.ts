/** The nearest rows of many queries, in memory that threads share. */
export interface NearestMemory {
  k: number;
  /** [queries, k]: a binary heap a query, the farthest row on top. */
  distances: Float32Array;
  /** [queries, k]: row ids of the table, whole numbers below 2^53. */
  rows: Float64Array;
  /** Rows in each heap. */
  sizes: Int32Array;
  /** A mutex a query: free, locked, or locked while another thread waits for it. */
  locks: Int32Array;
}

const FREE = 0;
const LOCKED = 1;
const CONTENDED = 2;
/** A waiting thread checks the mutex again after this long: its owner may have ended with it. */
const LONGEST_WAIT_MS = 100;

/** Returned by `offer` where there is no tie. */
export const NO_TIE = -1;

/** Allocates empty heaps. */
export function allocateNearest(queryCount: number, k: number): NearestMemory {
  const floats = new SharedArrayBuffer(4 * queryCount * k);
  const doubles = new SharedArrayBuffer(8 * queryCount * k);
  return {
    k,
    distances: new Float32Array(floats),
    rows: new Float64Array(doubles),
    sizes: new Int32Array(new SharedArrayBuffer(4 * queryCount)),
    locks: new Int32Array(new SharedArrayBuffer(4 * queryCount)),
  };
}

/** Returns the bytes of a query's heap. */
export function nearestBytesPerQuery(k: number): number {
  return k * (4 + 8) + 8;
}

/** The heaps of `NearestMemory`. A row that does not belong costs one comparison. */
export class NearestHeaps {
  readonly k: number;
  readonly queryCount: number;
  readonly #distances: Float32Array;
  readonly #rows: Float64Array;
  readonly #sizes: Int32Array;
  readonly #locks: Int32Array;

  constructor({ k, distances, rows, sizes, locks }: NearestMemory) {
    this.k = k;
    this.queryCount = sizes.length;
    this.#distances = distances;
    this.#rows = rows;
    this.#sizes = sizes;
    this.#locks = locks;
  }

  /** Keeps other threads from a query's heap until `unlock`. */
  lock(query: number): void {
    const locks = this.#locks;
    let state = Atomics.compareExchange(locks, query, FREE, LOCKED);
    while (state !== FREE) {
      if (state === CONTENDED || Atomics.compareExchange(locks, query, LOCKED, CONTENDED) !== FREE)
        Atomics.wait(locks, query, CONTENDED, LONGEST_WAIT_MS);
      state = Atomics.compareExchange(locks, query, FREE, CONTENDED);
    }
  }

  unlock(query: number): void {
    if (Atomics.exchange(this.#locks, query, FREE) === CONTENDED) Atomics.notify(this.#locks, query, 1);
  }

  /** Returns the distance beyond which rows do not belong; rows at it are ties. */
  limit(query: number): number {
    return this.#sizes[query]! < this.k ? Number.POSITIVE_INFINITY : this.#distances[query * this.k]!;
  }

  /**
   * Offers a row; NaN never belongs. The caller holds the query's lock, or is the only thread.
   * @returns the row, of the offered one and the one it replaces, that is at the limit but not in the heap; NO_TIE where none is
   */
  offer(query: number, distance: number, row: number): number {
    const base = query * this.k;
    const size = this.#sizes[query]!;
    if (size < this.k) {
      this.#sizes[query] = size + 1;
      this.#siftUp(base, size, distance, row);
      return NO_TIE;
    }
    const farthest = this.#distances[base]!;
    if (distance < farthest) {
      const replaced = this.#rows[base]!;
      this.#siftDown(base, distance, row);
      return this.#distances[base] === farthest ? replaced : NO_TIE;
    }
    return distance === farthest ? row : NO_TIE;
  }

  /** Returns the rows in a query's heap, in no order, as views. */
  kept(query: number): { distances: Float32Array; rows: Float64Array } {
    const base = query * this.k;
    const end = base + this.#sizes[query]!;
    return { distances: this.#distances.subarray(base, end), rows: this.#rows.subarray(base, end) };
  }

  #siftUp(base: number, from: number, distance: number, row: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#distances[base + parent]! >= distance) break;
      this.#distances[base + at] = this.#distances[base + parent]!;
      this.#rows[base + at] = this.#rows[base + parent]!;
      at = parent;
    }
    this.#distances[base + at] = distance;
    this.#rows[base + at] = row;
  }

  /** Puts an entry in the place of the top one. */
  #siftDown(base: number, distance: number, row: number): void {
    const k = this.k;
    const distances = this.#distances;
    const rows = this.#rows;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= k) break;
      if (child + 1 < k && distances[base + child + 1]! > distances[base + child]!) child++;
      if (distances[base + child]! <= distance) break;
      distances[base + at] = distances[base + child]!;
      rows[base + at] = rows[base + child]!;
      at = child;
    }
    distances[base + at] = distance;
    rows[base + at] = row;
  }
}
