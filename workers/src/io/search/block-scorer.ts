import type { Metric } from '../../core/metric.ts';
import { boundRows, type FilterSpace, kthLargest, leastScore } from '../../core/search/filter-bounds.ts';
import { type Kernels, LANES, ROW_NUMBERS } from '../../core/search/kernels.ts';
import { BLOCK_ROWS, TILE_QUERIES } from '../../core/search/memory.ts';
import { distanceOf, productError } from '../../core/search/true-distance.ts';
import { type CodeProduct, createCodeProduct } from './code-product.ts';
import { createScorer, type Scorer, sealBlock } from './scorer.ts';

/** Found rows that are handed over before a block is done. */
const MOST_FOUND = 500_000;
/** Pairs a row that take as long to look at as the row takes in a product of float32, however few the queries. */
const PAIRS_A_ROW = 8;
/** Share of the pairs that the codes may leave over before a product of float32 is quicker than looking at each. */
const LARGEST_SHARE = 1 / 16;
/** Tiles for which the codes are not asked again after they left over too much. */
const PAUSE_TILES = 7;

/** What the threads of a search share; all arrays lie in `memory`. */
export interface SharedSearch {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  metric: Metric;
  /** Rows to find for a query. */
  k: number;
  dimension: number;
  /** [queries, D]; unit length for cosine. */
  queries: Float32Array;
  /** Squared lengths of the queries. */
  squares: Float64Array;
  /** Distance of the k-th nearest row so far. */
  limits: Float32Array;
  /** Undefined where vectors are not compared by codes. */
  filter: QueryCodes | undefined;
}

/** The queries as 8-bit codes, see core/search/filter-bounds.ts. */
export interface QueryCodes extends FilterSpace {
  /** [D] */
  mean: Float32Array;
  /** [queries + LANES, D] */
  codes: Int8Array;
  inverseScales: Float32Array;
  lengths: Float32Array;
  /** What does not depend on the row: see `leastScore`. */
  bases: Float64Array;
}

/** Rows that are not farther than the limit of a query was; more than belong, never fewer. */
export interface FoundRows {
  queries: Int32Array;
  /** Positions in the block. */
  rows: Int32Array;
  /** True distances. */
  distances: Float32Array;
}

/** Compares blocks of rows with queries: products of codes leave out most pairs for certain, the others are looked at. */
export class BlockScorer {
  readonly #shared: SharedSearch;
  readonly #kernels: Kernels;
  readonly #product: CodeProduct | undefined;
  #exact: Scorer | undefined;
  #pause = 0;
  #gathered: Float32Array | undefined;
  readonly #rowCodes: Uint8Array;
  readonly #rowNumbers: Float32Array;
  readonly #rowTerms: Float32Array;
  readonly #certain: Float32Array;
  readonly #rowSquares: Float64Array;
  readonly #room: Float32Array;
  readonly #tileCodes: Int8Array;
  readonly #tileTerms: Float32Array;
  readonly #dots: Int32Array;
  readonly #pairs: Uint32Array;
  readonly #lower = new Float32Array(BLOCK_ROWS);

  /** @param scratch address of `scratchBytes` bytes in the shared memory */
  static async create(shared: SharedSearch, scratch: number): Promise<BlockScorer> {
    const { dimension, filter } = shared;
    return new BlockScorer(shared, scratch, filter && (await createCodeProduct(dimension)));
  }

  private constructor(shared: SharedSearch, scratch: number, product: CodeProduct | undefined) {
    this.#shared = shared;
    this.#product = product;
    this.#kernels = instantiateKernels(shared.module, shared.memory);
    const { dimension } = shared;
    const { buffer } = shared.memory;
    let at = scratch;
    const take = (bytes: number) => {
      const from = at;
      at += Math.ceil(bytes / 64) * 64;
      return from;
    };
    const floats = (count: number) => new Float32Array(buffer, take(4 * count), count);
    this.#rowCodes = new Uint8Array(buffer, take(BLOCK_ROWS * dimension), BLOCK_ROWS * dimension);
    this.#rowNumbers = floats(BLOCK_ROWS * ROW_NUMBERS);
    this.#rowTerms = floats(BLOCK_ROWS * 4);
    this.#certain = floats(BLOCK_ROWS);
    this.#rowSquares = new Float64Array(buffer, take(8 * BLOCK_ROWS), BLOCK_ROWS);
    this.#room = floats(dimension);
    this.#tileCodes = new Int8Array(buffer, take(TILE_QUERIES * dimension), TILE_QUERIES * dimension);
    this.#tileTerms = floats(3 * TILE_QUERIES);
    this.#dots = new Int32Array(buffer, take(4 * BLOCK_ROWS * TILE_QUERIES), BLOCK_ROWS * TILE_QUERIES);
    this.#pairs = new Uint32Array(buffer, take(4 * BLOCK_ROWS * TILE_QUERIES), BLOCK_ROWS * TILE_QUERIES);
  }

  /**
   * @param vectors [rows, D] in the shared memory, at most BLOCK_ROWS
   * @param chosen positions of the queries to compare with; all where not given
   * @param give takes what was found, in parts
   */
  async score(
    vectors: Float32Array,
    chosen: Int32Array | undefined,
    give: (found: FoundRows) => void | Promise<void>,
  ): Promise<void> {
    const { dimension, filter, squares } = this.#shared;
    const rows = vectors.length / dimension;
    let found: Candidates = { queries: [], rows: [], distances: [] };
    this.#rowSquares.fill(-1);
    if (filter) this.#encode(filter, vectors, rows);
    const total = chosen?.length ?? squares.length;
    for (let first = 0; first < total; first += TILE_QUERIES) {
      const count = Math.min(TILE_QUERIES, total - first);
      const tile: Tile = { first, count, own: chosen?.subarray(first, first + count) };
      const width = Math.ceil(count / LANES) * LANES;
      const pairs =
        (await this.#filterTile(tile, width, rows)) ?? (await this.#compareTile(tile, width, vectors, rows));
      this.#look(tile, width, pairs, vectors, found);
      if (found.rows.length < MOST_FOUND) continue;
      await give(toArrays(found));
      found = { queries: [], rows: [], distances: [] };
    }
    await give(toArrays(found));
  }

  async close(): Promise<void> {
    await this.#product?.close();
    await this.#exact?.close();
  }

  #encode(filter: QueryCodes, vectors: Float32Array, rows: number): void {
    this.#kernels.quantize(
      vectors.byteOffset,
      rows,
      filter.dimension,
      filter.mean.byteOffset,
      this.#room.byteOffset,
      this.#rowCodes.byteOffset,
      this.#rowNumbers.byteOffset,
      filter.metric === 'cosine' ? 1 : 0,
      127,
      128,
    );
    boundRows(filter, this.#rowNumbers, rows, this.#rowTerms, this.#certain);
  }

  /** Pairs that the codes leave over; undefined where these are too many, or there are no codes. */
  async #filterTile(tile: Tile, width: number, rows: number): Promise<number | undefined> {
    const { filter, dimension, k } = this.#shared;
    if (!filter || !this.#product) return undefined;
    if (this.#pause > 0) {
      this.#pause--;
      return undefined;
    }
    const codes = this.#codesOf(filter, tile, width);
    await this.#product.run(this.#rowCodes.subarray(0, rows * dimension), codes, this.#dots.subarray(0, rows * width));
    this.#fillTerms(filter, tile, width, rows);
    const left = this.#kernels.select(
      this.#dots.byteOffset,
      rows,
      width,
      this.#rowTerms.byteOffset,
      this.#tileTerms.byteOffset,
      this.#pairs.byteOffset,
    );
    if (left <= tile.count * (2 * k + rows * LARGEST_SHARE) + rows * PAIRS_A_ROW) return left;
    this.#pause = PAUSE_TILES;
    return undefined;
  }

  #codesOf({ codes, dimension }: QueryCodes, { first, own }: Tile, width: number): Int8Array {
    if (!own) return codes.subarray(first * dimension, (first + width) * dimension);
    for (let i = 0; i < own.length; i++)
      this.#tileCodes.set(codes.subarray(own[i]! * dimension, (own[i]! + 1) * dimension), i * dimension);
    return this.#tileCodes.subarray(0, width * dimension);
  }

  #fillTerms(filter: QueryCodes, tile: Tile, width: number, rows: number): void {
    const { limits, squares } = this.#shared;
    const terms = this.#tileTerms;
    for (let i = 0; i < width; i++) {
      if (i >= tile.count) {
        terms
          .fill(0, i, i + 1)
          .fill(0, width + i, width + i + 1)
          .fill(Number.POSITIVE_INFINITY, 2 * width + i, 2 * width + i + 1);
        continue;
      }
      const query = queryOf(tile, i);
      const [length, inverse] = [filter.lengths[query]!, filter.inverseScales[query]!];
      const limit = limits[query]!;
      terms[i] = length;
      terms[width + i] = inverse;
      terms[2 * width + i] =
        limit === Number.POSITIVE_INFINITY && inverse > 0
          ? this.#leastOfBlock(i, width, rows, length, inverse)
          : leastScore(
              filter.metric,
              limit,
              filter.bases[query]!,
              filter.meanLength * Math.sqrt(squares[query]!),
              inverse,
            );
    }
  }

  /** Where a query has not k rows yet: k rows of this block are certainly not worse. */
  #leastOfBlock(column: number, width: number, rows: number, length: number, inverse: number): number {
    const [dots, terms, certain, lower] = [this.#dots, this.#rowTerms, this.#certain, this.#lower];
    for (let row = 0; row < rows; row++) {
      const at = row * 4;
      const value =
        dots[row * width + column]! * terms[at]! - length * terms[at + 1]! - terms[at + 3]! + certain[row]! * inverse;
      lower[row] = Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
    }
    const least = kthLargest(lower.subarray(0, rows), this.#shared.k);
    return least - 1e-6 * Math.abs(least);
  }

  /** Pairs that a product of float32 leaves over. */
  async #compareTile(tile: Tile, width: number, vectors: Float32Array, rows: number): Promise<number> {
    const { metric, dimension, limits, squares, k } = this.#shared;
    this.#exact ??= await createScorer(dimension, metric, 1);
    const { distances, filled, longestSquare } = await this.#exact.distances(
      this.#vectorsOf(tile),
      sealBlock(vectors, dimension),
    );
    let left = 0;
    for (let i = 0; i < tile.count; i++) {
      const query = queryOf(tile, i);
      const square = squares[query]!;
      const error = productError(metric, dimension, square, longestSquare);
      const own = distances.subarray(i * filled, i * filled + rows);
      const shift = metric === 'l2' ? square : 0;
      let limit = limits[query]! - shift;
      if (limit === Number.POSITIVE_INFINITY) {
        for (let row = 0; row < rows; row++)
          this.#lower[row] = Number.isNaN(own[row]!) ? Number.NEGATIVE_INFINITY : -own[row]!;
        limit = error - kthLargest(this.#lower.subarray(0, rows), k);
      }
      const most = limit + error;
      for (let row = 0; row < rows; row++) if (!(own[row]! > most)) this.#pairs[left++] = row * width + i;
    }
    return left;
  }

  #vectorsOf({ first, count, own }: Tile): Float32Array {
    const { queries, dimension } = this.#shared;
    if (!own) return queries.subarray(first * dimension, (first + count) * dimension);
    this.#gathered ??= new Float32Array(TILE_QUERIES * dimension);
    for (let i = 0; i < count; i++)
      this.#gathered.set(queries.subarray(own[i]! * dimension, (own[i]! + 1) * dimension), i * dimension);
    return this.#gathered.subarray(0, count * dimension);
  }

  /** Computes the true distances of pairs, and keeps those within the queries' limits. */
  #look(tile: Tile, width: number, pairs: number, vectors: Float32Array, found: Candidates): void {
    const { metric, dimension, queries, squares, limits } = this.#shared;
    const rowBytes = dimension * 4;
    const { innerProduct, squaredDifference } = this.#kernels;
    for (let i = 0; i < pairs; i++) {
      const pair = this.#pairs[i]!;
      const row = Math.floor(pair / width);
      const column = pair - row * width;
      if (column >= tile.count) continue;
      const query = queryOf(tile, column);
      const [x, q] = [vectors.byteOffset + row * rowBytes, queries.byteOffset + query * rowBytes];
      let lengths = 0;
      if (metric === 'cosine') {
        if (this.#rowSquares[row]! < 0) this.#rowSquares[row] = innerProduct(x, x, dimension);
        lengths = squares[query]! * this.#rowSquares[row]!;
      }
      const sum = metric === 'l2' ? squaredDifference(q, x, dimension) : innerProduct(q, x, dimension);
      const distance = distanceOf(metric, sum, lengths);
      if (!(distance <= limits[query]!)) continue; // nor where it is no number
      found.queries.push(query);
      found.rows.push(row);
      found.distances.push(distance);
    }
  }
}

/** Queries of one product: those at `own`, or `count` from `first`. */
interface Tile {
  first: number;
  count: number;
  own: Int32Array | undefined;
}

interface Candidates {
  queries: number[];
  rows: number[];
  distances: number[];
}

function toArrays({ queries, rows, distances }: Candidates): FoundRows {
  return {
    queries: Int32Array.from(queries),
    rows: Int32Array.from(rows),
    distances: Float32Array.from(distances),
  };
}

function queryOf({ first, own }: Tile, i: number): number {
  return own ? own[i]! : first + i;
}

export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}
