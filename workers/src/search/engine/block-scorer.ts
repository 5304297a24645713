import { distanceOf } from '../true-distance.ts';
import { CodeFilter } from './filters/code-filter.ts';
import { FloatFilter } from './filters/float-filter.ts';
import { type Kernels, LANES } from './filters/kernels.ts';
import { PairSelector, type Tile } from './filters/pair-selector.ts';
import type { SharedSearch } from './filters/shared-queries.ts';
import { BLOCK_ROWS, FEW_QUERIES, TILE_QUERIES } from './memory.ts';

/** Found rows that are handed over before a block is done. */
const MOST_FOUND = 500_000;

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

/** Compares blocks of rows with queries: products leave out most pairs for certain, the others are looked at. */
export class BlockScorer {
  readonly #shared: SharedSearch;
  readonly #kernels: Kernels;
  readonly #floats: FloatFilter;
  readonly #codes: CodeFilter | undefined;
  readonly #pairs: Uint32Array;
  readonly #rowSquares = new Float64Array(BLOCK_ROWS);

  /** @param scratch address of `scratchBytes` bytes in the shared memory */
  constructor(shared: SharedSearch, scratch: number) {
    const kernels = instantiateKernels(shared.module, shared.memory);
    let at = scratch;
    const take = (bytes: number) => {
      const from = at;
      at += Math.ceil(bytes / 64) * 64;
      return from;
    };
    const most = BLOCK_ROWS * TILE_QUERIES;
    this.#shared = shared;
    this.#kernels = kernels;
    this.#pairs = new Uint32Array(shared.memory.buffer, take(4 * most), most);
    const selector = new PairSelector(kernels, shared.memory.buffer, take, this.#pairs, shared.k);
    this.#floats = new FloatFilter(shared, kernels, take, selector);
    // Sixteen components are one step of the kernels.
    if (shared.dimension % LANES === 0) this.#codes = new CodeFilter(shared, kernels, take, selector);
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
    this.#floats.begin();
    this.#codes?.begin();
    const total = chosen?.queries.length ?? this.#shared.squares.length;
    for (let first = 0; first < total; first += TILE_QUERIES) {
      const count = Math.min(TILE_QUERIES, total - first);
      const queryOf = chosen ? (i: number) => chosen.queries[first + i]! : (i: number) => first + i;
      const tile: Tile = { first, count, width: Math.ceil(count / LANES) * LANES, queryOf };
      this.#look(tile, await this.#filter(tile, vectors, chosen?.centre), vectors, found);
      if (found.rows.length < MOST_FOUND) continue;
      await give(toArrays(found));
      found = { queries: [], rows: [], distances: [] };
    }
    return toArrays(found);
  }

  async close(): Promise<void> {
    await this.#floats.close();
    await this.#codes?.close();
  }

  /** Pairs that the quicker products leave over, or the others where these are too many. */
  async #filter(tile: Tile, vectors: Float32Array, centre: Float32Array | undefined): Promise<number> {
    const first = tile.count <= FEW_QUERIES ? await this.#floats.run(tile, vectors) : undefined;
    return first ?? (await this.#codes?.run(tile, vectors, centre)) ?? (await this.#floats.runAnyway(tile, vectors));
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
