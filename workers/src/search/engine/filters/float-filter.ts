import { BLOCK_ROWS, TILE_QUERIES } from '../memory.ts';
import { boundFloatRows, excludeRows, leastScore, sameDistance, usableSquare } from './filter-bounds.ts';
import type { Kernels } from './kernels.ts';
import { FilterPause, type PairSelector, type RowTerms, type Tile } from './pair-selector.ts';
import { createFloatProducts, type FloatProducts } from './products.ts';
import type { SharedSearch } from './shared-queries.ts';

/**
 * Prunes pairs of rows and queries by products of float32: quicker than codes where queries are few, as rows are not quantized, and
 * for vectors of any dimension.
 */
export class FloatFilter {
  readonly #shared: SharedSearch;
  readonly #kernels: Kernels;
  readonly #selector: PairSelector;
  readonly #squares: Float32Array;
  readonly #rowTerms: RowTerms;
  readonly #pause = new FilterPause();
  #products: Promise<FloatProducts> | undefined;
  #queries: Float32Array | undefined;
  #bounded = false;
  #excluded: readonly number[] = [];

  /** @param allocate returns the address of bytes in the shared memory */
  constructor(shared: SharedSearch, kernels: Kernels, allocate: (bytes: number) => number, selector: PairSelector) {
    this.#shared = shared;
    this.#kernels = kernels;
    this.#selector = selector;
    const floats = (count: number) => new Float32Array(shared.memory.buffer, allocate(4 * count), count);
    this.#squares = floats(BLOCK_ROWS);
    this.#rowTerms = { rows: 0, terms: floats(BLOCK_ROWS * 4), certain: floats(BLOCK_ROWS) };
  }

  /** Starts a block. @param excluded rows that are pruned for every query */
  begin(excluded: readonly number[] = []): void {
    this.#bounded = false;
    this.#excluded = excluded;
  }

  /** Prunes the pairs of a tile. @returns survivors; undefined where they are too many, or recently were */
  run(tile: Tile, vectors: Float32Array): Promise<number | undefined> {
    const isTooMany = (survivors: number) => this.#selector.isTooMany(survivors, tile, this.#rowTerms.rows);
    return this.#pause.run(() => this.runAnyway(tile, vectors), isTooMany);
  }

  /** Prunes the pairs of a tile. @param vectors [rows, D] of the block @returns survivors, however many */
  async runAnyway(tile: Tile, vectors: Float32Array): Promise<number> {
    const { metric, dimension, limits, squares } = this.#shared;
    this.#boundRows(vectors);
    this.#products ??= createFloatProducts(dimension);
    const products = await this.#products;
    const { floats } = this.#selector;
    await products.run(vectors, this.#vectorsOf(tile), floats.subarray(0, this.#rowTerms.rows * tile.width));
    return this.#selector.select(floats, tile, this.#rowTerms, (i) => {
      const query = tile.queryOf(i);
      const square = squares[query]!;
      const inverseScale = usableSquare(square) ? 1 : 0;
      const base = metric === 'l2' ? square : 0;
      return {
        length: Math.sqrt(square) * (1 + 1e-6),
        inverseScale,
        least: leastScore(metric, limits[query]!, base, 0, inverseScale),
        sameDistance: sameDistance(metric, base, inverseScale),
      };
    });
  }

  async close(): Promise<void> {
    await (await this.#products)?.close();
  }

  /** Bounds the rows once a block. */
  #boundRows(vectors: Float32Array): void {
    if (this.#bounded) return;
    const { metric, dimension } = this.#shared;
    const own = this.#rowTerms;
    own.rows = vectors.length / dimension;
    this.#kernels.squares(vectors.byteOffset, own.rows, dimension, this.#squares.byteOffset);
    boundFloatRows(metric, dimension, this.#squares, own.rows, own.terms, own.certain);
    excludeRows(own.terms, own.certain, this.#excluded);
    this.#bounded = true;
  }

  /** [width, D] */
  #vectorsOf({ count, width, queryOf }: Tile): Float32Array {
    const { queries, dimension } = this.#shared;
    this.#queries ??= new Float32Array(TILE_QUERIES * dimension);
    for (let i = 0; i < count; i++)
      this.#queries.set(queries.subarray(queryOf(i) * dimension, (queryOf(i) + 1) * dimension), i * dimension);
    return this.#queries.fill(0, count * dimension, width * dimension).subarray(0, width * dimension);
  }
}
