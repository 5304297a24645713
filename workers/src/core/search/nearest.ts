/**
 * The k nearest rows of each of many queries, collected block by block. A binary heap a query, the farthest kept row
 * on top, so that a row that does not belong costs one comparison.
 *
 * Rows at exactly the distance of the farthest kept row are remembered as ties, so that in the end, when ids are
 * known, the smallest ids stay: the answer then does not depend on the order of the rows.
 */
export class NearestRows {
  readonly queryCount: number;
  readonly k: number;
  readonly #distances: Float32Array;
  /** Row ids of the table: whole numbers below 2^53. */
  readonly #rows: Float64Array;
  readonly #sizes: Int32Array;
  readonly #ties = new Map<number, number[]>();

  constructor(queryCount: number, k: number) {
    this.queryCount = queryCount;
    this.k = k;
    this.#distances = new Float32Array(queryCount * k);
    this.#rows = new Float64Array(queryCount * k);
    this.#sizes = new Int32Array(queryCount);
  }

  /** Bytes a query needs. */
  static bytesPerQuery(k: number): number {
    return k * (4 + 8) + 4;
  }

  /** Rows farther than this do not belong; rows at it are ties. */
  limit(query: number): number {
    return this.#sizes[query]! < this.k ? Number.POSITIVE_INFINITY : this.#distances[query * this.k]!;
  }

  /** Offers a row. NaN never belongs. */
  offer(query: number, distance: number, row: number): void {
    const base = query * this.k;
    const size = this.#sizes[query]!;
    if (size < this.k) {
      this.#sizes[query] = size + 1;
      this.#siftUp(base, size, distance, row);
      return;
    }
    const farthest = this.#distances[base]!;
    if (distance < farthest) {
      const dropped = this.#rows[base]!;
      this.#siftDown(base, distance, row);
      // The row that went is a tie where another at its distance stays on top.
      if (this.#distances[base] === farthest) this.#addTie(query, dropped);
      else this.#ties.delete(query);
    } else if (distance === farthest) {
      this.#addTie(query, row);
    }
  }

  /** The rows kept for a query, in no order, and those that tie with the farthest of them. */
  kept(query: number): { distances: Float32Array; rows: Float64Array; ties: readonly number[] } {
    const base = query * this.k;
    const end = base + this.#sizes[query]!;
    return {
      distances: this.#distances.subarray(base, end),
      rows: this.#rows.subarray(base, end),
      ties: this.#ties.get(query) ?? [],
    };
  }

  #addTie(query: number, row: number): void {
    const ties = this.#ties.get(query);
    if (ties) ties.push(row);
    else this.#ties.set(query, [row]);
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
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.k) break;
      if (child + 1 < this.k && this.#distances[base + child + 1]! > this.#distances[base + child]!) child++;
      if (this.#distances[base + child]! <= distance) break;
      this.#distances[base + at] = this.#distances[base + child]!;
      this.#rows[base + at] = this.#rows[base + child]!;
      at = child;
    }
    this.#distances[base + at] = distance;
    this.#rows[base + at] = row;
  }
}
