import { kthLargest } from '../../core/search/filter-bounds.ts';
import { type Kernels, LANES } from '../../core/search/kernels.ts';
import { BLOCK_ROWS, TILE_QUERIES } from '../../core/search/memory.ts';
import { distanceOf, productError } from '../../core/search/true-distance.ts';
import { CodeFilter } from './code-filter.ts';
import type { CodedQueries, QueryVectors } from './query-codes.ts';
import { createScorer, type Scorer, sealBlock } from './scorer.ts';

/** Found rows that are handed over before a block is done. */
const MOST_FOUND = 500_000;

/** What the threads of a search share; all arrays lie in `memory`. */
export interface SharedSearch extends QueryVectors {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  /** Rows to find for a query. */
  k: number;
  /** Squared lengths of the queries. */
  squares: Float64Array;
  /** Distance of the k-th nearest row so far. */
  limits: Float32Array;
  /** All queries, less what all rows have in common; not there where each block has a centre of its own. */
  coded: CodedQueries | undefined;
}

/** The queries that a block is compared with. */
export interface ChosenQueries {
  /** Their positions. */
  queries: Int32Array;
  /** What the rows of the block have in common, roughly: [D]. The nearer, the fewer pairs are left. */
  centre: Float32Array;
}

/** Rows that are not farther than the limit of a query was; more than belong, never fewer. */
export interface FoundRows {
  queries: Int32Array;
  /** Positions in the block. */
  rows: Int32Array;
  /** True distances. */
  distances: Float32Array;
}

/** Queries of one product. */
export interface Tile {
  /** Position of the first among those of the block. */
  first: number;
  count: number;
  /** `count`, filled up to whole lanes. */
  width: number;
  /** Position of the i-th among all queries. */
  queryOf(i: number): number;
}

/** Compares blocks of rows with queries: products of codes leave out most pairs for certain, the others are looked at. */
export class BlockScorer {
  readonly #shared: SharedSearch;
  readonly #kernels: Kernels;
  readonly #filter: CodeFilter | undefined;
  #exact: Scorer | undefined;
  #gathered: Float32Array | undefined;
  readonly #pairs: Uint32Array;
  readonly #rowSquares = new Float64Array(BLOCK_ROWS);
  readonly #lower = new Float32Array(BLOCK_ROWS);

  /** @param scratch address of `scratchBytes` bytes in the shared memory */
  static async create(shared: SharedSearch, scratch: number): Promise<BlockScorer> {
    const kernels = instantiateKernels(shared.module, shared.memory);
    let at = scratch;
    const take = (bytes: number) => {
      const from = at;
      at += Math.ceil(bytes / 64) * 64;
      return from;
    };
    const most = BLOCK_ROWS * TILE_QUERIES;
    const pairs = new Uint32Array(shared.memory.buffer, take(4 * most), most);
    // Sixteen components are one step of the kernels.
    const filter = shared.dimension % LANES === 0 ? await CodeFilter.create(shared, kernels, take, pairs) : undefined;
    return new BlockScorer(shared, kernels, pairs, filter);
  }

  private constructor(shared: SharedSearch, kernels: Kernels, pairs: Uint32Array, filter: CodeFilter | undefined) {
    this.#shared = shared;
    this.#kernels = kernels;
    this.#pairs = pairs;
    this.#filter = filter;
  }

  /**
   * @param vectors [rows, D] in the shared memory, at most BLOCK_ROWS
   * @param chosen the queries to compare with; all where not given
   * @param give takes a part of what was found, where there is very much
   * @returns the rest
   */
  async score(
    vectors: Float32Array,
    chosen: ChosenQueries | undefined,
    give: (found: FoundRows) => void | Promise<void>,
  ): Promise<FoundRows> {
    let found: Candidates = { queries: [], rows: [], distances: [] };
    this.#rowSquares.fill(-1);
    this.#filter?.begin();
    const total = chosen?.queries.length ?? this.#shared.squares.length;
    for (let first = 0; first < total; first += TILE_QUERIES) {
      const count = Math.min(TILE_QUERIES, total - first);
      const queryOf = chosen ? (i: number) => chosen.queries[first + i]! : (i: number) => first + i;
      const tile: Tile = { first, count, width: Math.ceil(count / LANES) * LANES, queryOf };
      const pairs = (await this.#filter?.run(tile, vectors, chosen?.centre)) ?? (await this.#compare(tile, vectors));
      this.#look(tile, pairs, vectors, found);
      if (found.rows.length < MOST_FOUND) continue;
      await give(toArrays(found));
      found = { queries: [], rows: [], distances: [] };
    }
    return toArrays(found);
  }

  async close(): Promise<void> {
    await this.#filter?.close();
    await this.#exact?.close();
  }

  /** Pairs that a product of float32 leaves over. */
  async #compare(tile: Tile, vectors: Float32Array): Promise<number> {
    const { metric, dimension, limits, squares, k } = this.#shared;
    const rows = vectors.length / dimension;
    this.#exact ??= createScorer(dimension, metric, 1);
    const { distances, filled, longestSquare } = await this.#exact.distances(
      this.#vectorsOf(tile),
      sealBlock(vectors, dimension),
    );
    let left = 0;
    for (let i = 0; i < tile.count; i++) {
      const query = tile.queryOf(i);
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
      for (let row = 0; row < rows; row++) if (!(own[row]! > most)) this.#pairs[left++] = row * tile.width + i;
    }
    return left;
  }

  #vectorsOf({ count, queryOf }: Tile): Float32Array {
    const { queries, dimension } = this.#shared;
    this.#gathered ??= new Float32Array(TILE_QUERIES * dimension);
    for (let i = 0; i < count; i++)
      this.#gathered.set(queries.subarray(queryOf(i) * dimension, (queryOf(i) + 1) * dimension), i * dimension);
    return this.#gathered.subarray(0, count * dimension);
  }

  /** Computes the true distances of pairs, and keeps those within the queries' limits. */
  #look({ count, width, queryOf }: Tile, pairs: number, vectors: Float32Array, found: Candidates): void {
    const { metric, dimension, queries, squares, limits } = this.#shared;
    const rowBytes = dimension * 4;
    const { innerProduct, squaredDifference } = this.#kernels;
    for (let i = 0; i < pairs; i++) {
      const pair = this.#pairs[i]!;
      const row = Math.floor(pair / width);
      const column = pair - row * width;
      if (column >= count) continue;
      const query = queryOf(column);
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

export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}
