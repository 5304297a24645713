import { BLOCK_ROWS, TILE_QUERIES } from '../memory.ts';
import { kthLargest } from './filter-bounds.ts';
import type { Kernels } from './kernels.ts';

/** Rescoring this many pairs a row takes as long as the row's part of a product of float32, however few the queries. */
const PAIRS_A_ROW = 8;
/** Share of surviving pairs beyond which another filter is quicker than rescoring them. */
const LARGEST_SHARE = 1 / 16;
/** Times k: the pairs of a query with more survivors in a block are pruned again. */
const MANY = 2;
/** Tiles for which a filter is paused after it pruned too few pairs. */
const PAUSE_TILES = 7;

/** Queries of one product. */
export interface Tile {
  /** Position of the first among those of the block. */
  first: number;
  count: number;
  /** `count`, padded to whole lanes. */
  width: number;
  /** Returns the position of the i-th query of the tile among all queries. */
  queryOf(i: number): number;
}

/** Bounds of the rows of a block, beside their products: see search/engine/filters/filter-bounds.ts. */
export interface RowTerms {
  rows: number;
  /** [rows, 4]; in the kernels' memory */
  terms: Float32Array;
  /** [rows] */
  certain: Float32Array;
}

/** Bounds of a query, beside its products. */
export interface QueryTerms {
  /** Length of the query, over its scale. */
  length: number;
  /** 1 / scale; 0 where there is no bound. */
  inverseScale: number;
  /** Least score of a row that belongs, over the scale. */
  least: number;
  /** Scores over the scale that are nearer than this may have one distance. */
  sameDistance: number;
}

/** Runs a filter, and pauses it after it pruned too few pairs. */
export class FilterPause {
  #pause = 0;

  /** @param select prunes pairs and returns the survivors @returns them; undefined where they are too many, or recently were */
  async run(select: () => Promise<number>, isTooMany: (survivors: number) => boolean): Promise<number | undefined> {
    if (this.#pause > 0) {
      this.#pause--;
      return undefined;
    }
    const survivors = await select();
    if (!isTooMany(survivors)) return survivors;
    this.#pause = PAUSE_TILES;
    return undefined;
  }
}

/** Selects the pairs of a product that may be among the nearest. */
export class PairSelector {
  /** Buffer for products, [rows, width], as int32 and as float32. */
  readonly integers: Int32Array;
  readonly floats: Float32Array;
  readonly #k: number;
  readonly #kernels: Kernels;
  readonly #pairs: Uint32Array;
  /** float32 [3, width]: lengths, inverse scales, least scores. */
  readonly #queryTerms: Float32Array;
  readonly #counts = new Int32Array(TILE_QUERIES);
  readonly #starts = new Int32Array(TILE_QUERIES);
  readonly #ends = new Int32Array(TILE_QUERIES);
  readonly #leasts = new Float64Array(TILE_QUERIES);
  readonly #sameDistances = new Float64Array(TILE_QUERIES);
  #lower = new Float32Array(BLOCK_ROWS);

  /**
   * @param buffer the kernels' memory @param allocate returns the address of bytes in it
   * @param pairs buffer for survivors, row * width + column each @param k rows to find for a query
   */
  constructor(
    kernels: Kernels,
    buffer: ArrayBufferLike,
    allocate: (bytes: number) => number,
    pairs: Uint32Array,
    k: number,
  ) {
    this.#kernels = kernels;
    this.#pairs = pairs;
    this.#k = k;
    const most = BLOCK_ROWS * TILE_QUERIES;
    this.integers = new Int32Array(buffer, allocate(4 * most), most);
    this.floats = new Float32Array(buffer, this.integers.byteOffset, most);
    this.#queryTerms = new Float32Array(buffer, allocate(12 * TILE_QUERIES), 3 * TILE_QUERIES);
  }

  /**
   * Writes the survivors of a tile to `pairs`.
   * @param products `integers` or `floats` @param termsOf the i-th query
   * @returns their count
   */
  select(
    products: Int32Array | Float32Array,
    tile: Tile,
    { rows, terms, certain }: RowTerms,
    termsOf: (i: number) => QueryTerms,
  ): number {
    this.#fillTerms(tile, termsOf);
    const product: Product = { values: products, terms, certain, queryTerms: this.#queryTerms, width: tile.width };
    this.#findLeasts(product, rows, tile.count);
    const kernel = products === this.floats ? this.#kernels.selectFloats : this.#kernels.select;
    const selected = kernel(
      products.byteOffset,
      rows,
      tile.width,
      terms.byteOffset,
      this.#queryTerms.byteOffset,
      this.#pairs.byteOffset,
    );
    return this.#tighten(product, tile.count, selected);
  }

  /** Returns whether a tile has enough survivors for another filter to prune. */
  isTooMany(survivors: number, { count }: Tile, rows: number): boolean {
    return survivors > count * (2 * this.#k + rows * LARGEST_SHARE) + rows * PAIRS_A_ROW;
  }

  #fillTerms({ width, count }: Tile, termsOf: (i: number) => QueryTerms): void {
    const terms = this.#queryTerms;
    for (let i = 0; i < count; i++) {
      const { length, inverseScale, least, sameDistance } = termsOf(i);
      this.#sameDistances[i] = sameDistance;
      terms[i] = length;
      terms[width + i] = inverseScale;
      terms[2 * width + i] = least;
    }
    terms.fill(0, count, width).fill(0, width + count, 2 * width);
    terms.fill(Number.POSITIVE_INFINITY, 2 * width + count, 3 * width);
  }

  /** Bounds queries without a limit: only the k nearest of the block can be among their nearest. */
  #findLeasts(product: Product, rows: number, count: number): void {
    const { width, queryTerms } = product;
    if (rows < this.#k) return;
    for (let column = 0; column < count; column++) {
      if (queryTerms[2 * width + column]! > Number.NEGATIVE_INFINITY || !(queryTerms[width + column]! > 0)) continue;
      for (let row = 0; row < rows; row++) this.#lower[row] = lowerBound(product, row, column);
      queryTerms[2 * width + column] = this.#belowKth(this.#lower.subarray(0, rows), column);
    }
  }

  /**
   * Prunes again the pairs of queries with many survivors, down to those that may be among the k nearest of this block: a cluster that
   * comes while the limit is still that of a farther one would have all of its rows rescored.
   * @returns survivors
   */
  #tighten(product: Product, count: number, selected: number): number {
    const { width, queryTerms } = product;
    const [pairs, counts, starts] = [this.#pairs, this.#counts.fill(0), this.#starts];
    for (let i = 0; i < selected; i++) counts[pairs[i]! % width]!++;
    let total = 0;
    for (let column = 0; column < count; column++) {
      const many = counts[column]! > MANY * this.#k && queryTerms[width + column]! > 0;
      starts[column] = many ? total : -1;
      if (many) total += counts[column]!;
    }
    if (total === 0) return selected;
    if (this.#lower.length < total) this.#lower = new Float32Array(total);
    const ends = this.#ends;
    ends.set(starts);
    for (let i = 0; i < selected; i++) {
      const column = pairs[i]! % width;
      if (column >= count || starts[column]! < 0) continue;
      this.#lower[ends[column]!++] = lowerBound(product, (pairs[i]! - column) / width, column);
    }
    for (let column = 0; column < count; column++) {
      if (starts[column]! < 0) continue;
      this.#leasts[column] = this.#belowKth(this.#lower.subarray(starts[column]!, ends[column]!), column);
    }
    let survivors = 0;
    for (let i = 0; i < selected; i++) {
      const pair = pairs[i]!;
      const column = pair % width;
      const less =
        column < count &&
        starts[column]! >= 0 &&
        upperBound(product, (pair - column) / width, column) < this.#leasts[column]!;
      if (!less) pairs[survivors++] = pair;
    }
    return survivors;
  }

  /** Returns a bound below the scores of the k nearest and of all that may tie with them. @param scores lower bounds, in no order */
  #belowKth(scores: Float32Array, column: number): number {
    const kth = kthLargest(scores, this.#k);
    // Sums of float32 round by far less.
    return kth - 1e-6 * Math.abs(kth) - this.#sameDistances[column]!;
  }
}

interface Product {
  /** [rows, width] */
  values: Int32Array | Float32Array;
  terms: Float32Array;
  certain: Float32Array;
  queryTerms: Float32Array;
  width: number;
}

/** Returns a lower bound of a pair's score, over the query's scale. */
function lowerBound({ values, terms, certain, queryTerms, width }: Product, row: number, column: number): number {
  const value =
    values[row * width + column]! * terms[4 * row]! -
    queryTerms[column]! * terms[4 * row + 1]! -
    terms[4 * row + 3]! +
    queryTerms[width + column]! * certain[row]!;
  return Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
}

/** Returns an upper bound of it, as the kernels compute it; NaN where there is no bound. */
function upperBound({ values, terms, queryTerms, width }: Product, row: number, column: number): number {
  return (
    values[row * width + column]! * terms[4 * row]! +
    queryTerms[column]! * terms[4 * row + 1]! +
    queryTerms[width + column]! * terms[4 * row + 2]! +
    terms[4 * row + 3]!
  );
}
