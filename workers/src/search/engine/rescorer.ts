import { distanceOf } from '../true-distance.ts';
import { type Kernels, RESCORED_AT_ONCE } from './filters/kernels.ts';
import type { Tile } from './filters/pair-selector.ts';
import type { SharedSearch } from './filters/shared-queries.ts';
import { BLOCK_ROWS, TILE_QUERIES } from './memory.ts';

/** Rescored rows of one query; the arrays are used again for the next. */
export interface RescoredRows {
  count: number;
  /** Positions in the block. */
  rows: Uint16Array;
  /** True distances. */
  distances: Float32Array;
}

/** Rescores the survivors of a tile query by query: a query's vector then stays in the processor's cache. */
export class Rescorer {
  rescoredPairs = 0;
  readonly #shared: SharedSearch;
  readonly #kernels: Kernels;
  /** Survivors of the tile, row * width + column each. */
  readonly #pairs: Uint32Array;
  readonly #sums: Float64Array;
  /** Rows of the survivors, grouped by their query; `ends` is where each group ends. */
  readonly #grouped = new Uint16Array(BLOCK_ROWS * TILE_QUERIES);
  readonly #ends = new Int32Array(TILE_QUERIES);
  readonly #rowSquares = new Float64Array(BLOCK_ROWS);
  readonly #rescored: RescoredRows = { count: 0, rows: new Uint16Array(0), distances: new Float32Array(BLOCK_ROWS) };
  #vectorsAt = 0;

  /** @param allocate returns the address of bytes in the shared memory */
  constructor(shared: SharedSearch, kernels: Kernels, pairs: Uint32Array, allocate: (bytes: number) => number) {
    this.#shared = shared;
    this.#kernels = kernels;
    this.#pairs = pairs;
    this.#sums = new Float64Array(shared.memory.buffer, allocate(8 * RESCORED_AT_ONCE), RESCORED_AT_ONCE);
  }

  /** Starts a block. */
  begin(vectors: Float32Array): void {
    this.#vectorsAt = vectors.byteOffset;
    this.#rowSquares.fill(-1);
  }

  /** Groups the survivors of a tile by query, in the order of their rows. */
  group({ count, width }: Tile, survivors: number): void {
    const pairs = this.#pairs;
    const next = this.#ends.fill(0);
    let belonging = 0;
    for (let i = 0; i < survivors; i++) {
      const column = pairs[i]! % width;
      if (column >= count) continue; // padding
      next[column]!++;
      belonging++;
    }
    this.rescoredPairs += belonging;
    let start = 0;
    for (let column = 0; column < count; column++) {
      const size = next[column]!;
      next[column] = start;
      start += size;
    }
    for (let i = 0; i < survivors; i++) {
      const pair = pairs[i]!;
      const column = pair % width;
      if (column < count) this.#grouped[next[column]!++] = (pair - column) / width;
    }
  }

  /** Computes the true distances of a query's survivors. @param column of the query in the tile */
  rescore(column: number, query: number): RescoredRows {
    const first = column === 0 ? 0 : this.#ends[column - 1]!;
    const rescored = this.#rescored;
    rescored.count = this.#ends[column]! - first;
    if (rescored.count === 0) return rescored;
    const rows = this.#grouped.subarray(first, this.#ends[column]);
    rescored.rows = rows;
    const { metric, queries, squares, dimension } = this.#shared;
    const queryAt = queries.byteOffset + query * dimension * 4;
    const square = squares[query]!;
    const { distances } = rescored;
    const sums = this.#sums;
    for (let at = 0; at < rows.length; at += RESCORED_AT_ONCE) {
      const count = Math.min(RESCORED_AT_ONCE, rows.length - at);
      this.#sum(queryAt, rows, at, count);
      for (let i = 0; i < count; i++)
        distances[at + i] = distanceOf(
          metric,
          sums[i]!,
          metric === 'cosine' ? square * this.#rowSquare(rows[at + i]!) : 0,
        );
    }
    return rescored;
  }

  #sum(queryAt: number, rows: Uint16Array, at: number, count: number): void {
    const { metric, dimension } = this.#shared;
    const address = (i: number) => this.#vectorsAt + rows[at + i]! * dimension * 4;
    const { innerProduct, innerProducts, squaredDifference, squaredDifferences } = this.#kernels;
    if (count === RESCORED_AT_ONCE) {
      const several = metric === 'l2' ? squaredDifferences : innerProducts;
      several(queryAt, address(0), address(1), address(2), address(3), dimension, this.#sums.byteOffset);
      return;
    }
    const one = metric === 'l2' ? squaredDifference : innerProduct;
    for (let i = 0; i < count; i++) this.#sums[i] = one(queryAt, address(i), dimension);
  }

  #rowSquare(row: number): number {
    const squares = this.#rowSquares;
    if (squares[row]! < 0) {
      const address = this.#vectorsAt + row * this.#shared.dimension * 4;
      squares[row] = this.#kernels.innerProduct(address, address, this.#shared.dimension);
    }
    return squares[row]!;
  }
}
