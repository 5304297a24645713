import { allocateNearest, NearestHeaps, type NearestMemory, NO_TIE } from './nearest-heaps.ts';

/** Rows that were at their query's limit when they were found, but not among its k. */
export interface RowTies {
  queries: Int32Array;
  rows: Float64Array;
  distances: Float32Array;
}

/**
 * The k nearest rows of each of many queries, found block by block, by several threads at once. Rows at exactly the distance of the
 * farthest kept row are kept as ties, so that in the end, when ids are known, the smallest ids stay: the answer does not depend on
 * the order of the rows. Where there are very many (`tieCount`), `settle` drops those that can no longer be among the k.
 */
export class NearestRows {
  readonly queryCount: number;
  readonly k: number;
  /** For threads. They report the ties that they find, for `addTies`. */
  readonly memory: NearestMemory;
  readonly #heaps: NearestHeaps;
  /** Ties of a query, and their distance: they are obsolete where the limit is lower. */
  readonly #ties = new Map<number, { distance: number; rows: number[] }>();
  #tieCount = 0;

  constructor(queryCount: number, k: number) {
    this.queryCount = queryCount;
    this.k = k;
    this.memory = allocateNearest(queryCount, k);
    this.#heaps = new NearestHeaps(this.memory);
  }

  /** Returns the distance beyond which rows do not belong; rows at it are ties. */
  limit(query: number): number {
    return this.#heaps.limit(query);
  }

  /** Offers a row, where no thread does. NaN never belongs. */
  offer(query: number, distance: number, row: number): void {
    const tie = this.#heaps.offer(query, distance, row);
    this.#dropObsolete(query);
    if (tie !== NO_TIE) this.#addTie(query, this.limit(query), tie);
  }

  /** Adds ties that a thread found. */
  addTies({ queries, rows, distances }: RowTies): void {
    for (let i = 0; i < queries.length; i++) this.#addTie(queries[i]!, distances[i]!, rows[i]!);
  }

  /** Returns the rows kept for a query, in no order, and those that tie with the farthest of them. */
  kept(query: number): { distances: Float32Array; rows: Float64Array; ties: readonly number[] } {
    return { ...this.#heaps.kept(query), ties: this.#currentTies(query) };
  }

  /** Returns the rows that tie with the farthest row kept for a query. */
  ties(query: number): readonly number[] {
    return this.#currentTies(query);
  }

  /** Ties of all queries; some may be obsolete. */
  get tieCount(): number {
    return this.#tieCount;
  }

  /** Drops the ties of queries whose limit is lower by now. */
  dropObsoleteTies(): void {
    for (const query of this.#ties.keys()) this.#dropObsolete(query);
  }

  /** For each query that has ties: all rows at the distance of the farthest kept row. */
  *contested(): Generator<{ query: number; limit: number; rows: number[] }> {
    for (const query of this.#ties.keys()) {
      this.#heaps.lock(query);
      const ties = this.#currentTies(query);
      const { limit, rows } = this.#farthest(query);
      this.#heaps.unlock(query);
      if (ties.length > 0) yield { query, limit, rows: [...rows, ...ties] };
    }
  }

  /**
   * Keeps, of rows that were contested, only as many as can still be among the k nearest.
   * @param ranked those rows, in the order of their ids
   * @param limit their distance; where nearer rows have come since, nothing is done
   */
  settle(query: number, limit: number, ranked: readonly number[]): void {
    this.#heaps.lock(query);
    const isCurrent = this.limit(query) === limit;
    if (isCurrent) this.#keepFirst(query, ranked);
    this.#heaps.unlock(query);
    if (!isCurrent) return;
    // Rows that came since are settled the next time.
    const known = new Set(ranked);
    const others = this.#currentTies(query).filter((row) => !known.has(row));
    this.#drop(query);
    for (const row of others) this.#addTie(query, limit, row);
  }

  /** Puts the first of the ranked rows in the places of the farthest kept ones. */
  #keepFirst(query: number, ranked: readonly number[]): void {
    const { distances, rows } = this.#heaps.kept(query);
    const limit = distances[0];
    let next = 0;
    for (let at = 0; at < distances.length; at++) if (distances[at] === limit) rows[at] = ranked[next++]!;
  }

  #farthest(query: number): { limit: number; rows: number[] } {
    const { distances, rows } = this.#heaps.kept(query);
    const limit = this.limit(query);
    return { limit, rows: Array.from(rows).filter((_, at) => distances[at] === limit) };
  }

  /** Each tie once: one that `settle` has put into the heap may be reported again, or be there already. */
  #currentTies(query: number): readonly number[] {
    const ties = this.#ties.get(query);
    if (!ties || ties.distance !== this.limit(query)) return [];
    const rows = new Set(ties.rows);
    for (const row of this.#heaps.kept(query).rows) rows.delete(row);
    return [...rows];
  }

  #dropObsolete(query: number): void {
    const ties = this.#ties.get(query);
    if (ties && ties.distance !== this.limit(query)) this.#drop(query);
  }

  #drop(query: number): void {
    this.#tieCount -= this.#ties.get(query)?.rows.length ?? 0;
    this.#ties.delete(query);
  }

  #addTie(query: number, distance: number, row: number): void {
    // The limit only falls: a tie at another distance than it is obsolete, and so are ties before a nearer one.
    if (distance !== this.limit(query)) return;
    this.#dropObsolete(query);
    this.#tieCount++;
    const ties = this.#ties.get(query);
    if (ties) ties.rows.push(row);
    else this.#ties.set(query, { distance, rows: [row] });
  }
}
