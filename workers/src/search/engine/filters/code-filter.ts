import { BLOCK_ROWS, TILE_QUERIES } from '../memory.ts';
import { boundRows, excludeRows, leastScore, sameDistance } from './filter-bounds.ts';
import { type Kernels, ROW_NUMBERS } from './kernels.ts';
import { FilterPause, type PairSelector, type RowTerms, type Tile } from './pair-selector.ts';
import { type LoadedCodeProducts, loadCodeProducts } from './products.ts';
import { allocateCodeBuffers, type CodeBuffers, type CodedQueries, codeQueries } from './query-codes.ts';
import type { SharedSearch } from './shared-queries.ts';

/** Prunes pairs of rows and queries by products of 8-bit codes. */
export class CodeFilter {
  readonly #shared: SharedSearch;
  readonly #kernels: Kernels;
  readonly #selector: PairSelector;
  readonly #rowCodes: Uint8Array;
  readonly #rowNumbers: Float32Array;
  readonly #rowTerms: RowTerms;
  readonly #tileBuffers: CodeBuffers;
  readonly #pause = new FilterPause();
  #loading: Promise<LoadedCodeProducts> | undefined;
  /** Subtracted from the rows before they were quantized; undefined where they are not quantized yet. */
  #centre: Float32Array | undefined;
  /** The queries for which the terms of the rows hold. */
  #bounded: CodedQueries | undefined;
  #excluded: readonly number[] = [];

  /**
   * @param allocate returns the address of bytes in the shared memory
   * @param products closed with the filter; default: loaded when they are first needed, as with few queries they hardly ever are
   */
  constructor(
    shared: SharedSearch,
    kernels: Kernels,
    allocate: (bytes: number) => number,
    selector: PairSelector,
    products?: Promise<LoadedCodeProducts>,
  ) {
    this.#loading = products;
    this.#shared = shared;
    this.#kernels = kernels;
    this.#selector = selector;
    const { dimension } = shared;
    const { buffer } = shared.memory;
    const floats = (count: number) => new Float32Array(buffer, allocate(4 * count), count);
    this.#rowCodes = new Uint8Array(buffer, allocate(BLOCK_ROWS * dimension), BLOCK_ROWS * dimension);
    this.#rowNumbers = floats(BLOCK_ROWS * ROW_NUMBERS);
    this.#rowTerms = { rows: 0, terms: floats(BLOCK_ROWS * 4), certain: floats(BLOCK_ROWS) };
    this.#tileBuffers = allocateCodeBuffers(buffer, allocate, TILE_QUERIES, dimension);
  }

  /** Starts a block. @param excluded rows that are pruned for every query */
  begin(excluded: readonly number[] = []): void {
    this.#centre = undefined;
    this.#excluded = excluded;
  }

  /**
   * Prunes the pairs of a tile.
   * @param vectors [rows, D] of the block @param centre of its rows; default: the table's mean
   * @returns survivors; undefined where they are too many, or recently were
   */
  run(tile: Tile, vectors: Float32Array, centre: Float32Array | undefined): Promise<number | undefined> {
    const isTooMany = (survivors: number) => this.#selector.isTooMany(survivors, tile, this.#rowTerms.rows);
    return this.#pause.run(() => this.#select(tile, vectors, centre), isTooMany);
  }

  async #select(tile: Tile, vectors: Float32Array, centre: Float32Array | undefined): Promise<number> {
    const { dimension, limits, squares } = this.#shared;
    const { width } = tile;
    this.#loading ??= loadCodeProducts(dimension);
    const { products, largestCode } = await this.#loading;
    const known = centre ? undefined : this.#shared.coded;
    const coded = known ?? this.#encodeQueries(tile, largestCode, centre ?? this.#shared.mean!);
    this.#encodeRows(vectors, coded);
    const { rows } = this.#rowTerms;
    const first = known ? tile.first : 0;
    const codes = coded.codes.subarray(first * dimension, (first + width) * dimension);
    const { integers } = this.#selector;
    await products.run(this.#rowCodes.subarray(0, rows * dimension), codes, integers.subarray(0, rows * width));
    return this.#selector.select(integers, tile, this.#rowTerms, (i) => {
      const query = tile.queryOf(i);
      const inverseScale = coded.inverseScales[first + i]!;
      const scale = coded.meanLength * Math.sqrt(squares[query]!);
      const base = coded.bases[first + i]!;
      return {
        length: coded.lengths[first + i]!,
        inverseScale,
        least: leastScore(coded.metric, limits[query]!, base, scale, inverseScale),
        sameDistance: sameDistance(coded.metric, base, inverseScale),
      };
    });
  }

  async close(): Promise<void> {
    await (await this.#loading)?.products.close();
  }

  #encodeQueries({ count, queryOf }: Tile, largestCode: number, centre: Float32Array): CodedQueries {
    return codeQueries(this.#kernels, this.#shared, largestCode, centre, count, queryOf, this.#tileBuffers);
  }

  /** Quantizes the rows once a block, and bounds them once for each set of queries. */
  #encodeRows(vectors: Float32Array, coded: CodedQueries): void {
    const own = this.#rowTerms;
    if (this.#centre === undefined) {
      own.rows = vectors.length / coded.dimension;
      this.#kernels.quantize(
        vectors.byteOffset,
        own.rows,
        coded.dimension,
        coded.mean.byteOffset,
        this.#tileBuffers.vector.byteOffset,
        this.#rowCodes.byteOffset,
        this.#rowNumbers.byteOffset,
        coded.metric === 'cosine' ? 1 : 0,
        127,
        128,
      );
      this.#centre = coded.mean;
      this.#bounded = undefined;
    }
    if (this.#bounded === coded) return;
    boundRows(coded, this.#rowNumbers, own.rows, own.terms, own.certain);
    excludeRows(own.terms, own.certain, this.#excluded);
    this.#bounded = coded;
  }
}
