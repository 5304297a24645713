/**
 * The k nearest rows of each of many queries, collected block by block. A binary heap a query, the farthest kept row
 * on top, so that a row that does not belong costs one comparison.
 *
 * Rows at exactly the distance of the farthest kept row are remembered as ties, so that in the end, when ids are
 * known, the smallest ids stay: the answer then does not depend on the order of the rows. Where there are very many
 * (`tieCount`), `settle` takes away those that can no longer be among the k.
 */
export class NearestRows {
  readonly queryCount: number;
  readonly k: number;
  readonly #distances: Float32Array;
  /** Row ids of the table: whole numbers below 2^53. */
  readonly #rows: Float64Array;
  readonly #sizes: Int32Array;
  readonly #ties = new Map<number, number[]>();
  #tieCount = 0;

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
      else this.#dropTies(query);
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

  /** Ties of all queries. */
  get tieCount(): number {
    return this.#tieCount;
  }

  /** For each query that has ties: all rows at the distance of the farthest kept row. */
  *contested(): Generator<{ query: number; limit: number; rows: number[] }> {
    for (const [query, ties] of this.#ties) {
      const places = this.#farthestPlaces(query);
      yield { query, limit: this.limit(query), rows: [...places.map((at) => this.#rows[at]!), ...ties] };
    }
  }

  /**
   * Keeps, of rows that were contested, only as many as can still be among the k nearest.
   * @param ranked those rows, in the order of their ids
   * @param limit their distance; where nearer rows have come since, nothing is done
   */
  settle(query: number, limit: number, ranked: readonly number[]): void {
    const ties = this.#ties.get(query);
    if (!ties || this.limit(query) !== limit) return;
    const places = this.#farthestPlaces(query);
    const known = new Set(ranked);
    // Rows that came since are looked at the next time.
    const others = ties.filter((row) => !known.has(row));
    const first = ranked.slice(0, places.length);
    for (const [i, row] of first.entries()) this.#rows[places[i]!] = row;
    this.#dropTies(query);
    for (const row of others) this.#addTie(query, row);
  }

  /** Where the kept rows of a query are that are as far as the farthest. */
  #farthestPlaces(query: number): number[] {
    const base = query * this.k;
    const places: number[] = [];
    for (let at = base; at < base + this.k; at++) if (this.#distances[at] === this.#distances[base]) places.push(at);
    return places;
  }

  #dropTies(query: number): void {
    this.#tieCount -= this.#ties.get(query)?.length ?? 0;
    this.#ties.delete(query);
  }

  #addTie(query: number, row: number): void {
    this.#tieCount++;
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
