import { LANES } from '../../base/wasm/simd.ts';
import { DeletedRows } from '../../bucket/deleted-rows.ts';
import type { RowBits } from '../../bucket/row-bits.ts';
import { CodeFilter } from './filters/code-filter.ts';
import { FloatFilter } from './filters/float-filter.ts';
import type { Kernels } from './filters/kernels.ts';
import { PairSelector, type Tile } from './filters/pair-selector.ts';
import type { LoadedCodeProducts } from './filters/products.ts';
import type { SharedSearch } from './filters/shared-queries.ts';
import { BLOCK_ROWS, FEW_QUERIES, TILE_QUERIES } from './memory.ts';
import type { RowTies } from './nearest.ts';
import { NearestHeaps, type NearestMemory, NO_TIE } from './nearest-heaps.ts';
import { Rescorer } from './rescorer.ts';

/** Share of a block's rows that are pruned where they are; of more, the others are moved together, which costs less than comparing them. */
const MOST_EXCLUDED = 1 / 8;
/** Ties that are emitted before a block is done. */
const MOST_TIES = 500_000;

/** The queries that a block is compared with. */
export interface ChosenQueries {
  /** Their positions. */
  queries: Int32Array;
  /** Approximate mean of the block's rows: [D]. The nearer, the more pairs are pruned. */
  centre: Float32Array;
}

/** Rows of a block. */
export interface BlockRows {
  /** [rows, D] in the shared memory, at most BLOCK_ROWS */
  vectors: Float32Array;
  /** Row ids of the table; may be more than rows. */
  rowIds: Float64Array;
}

/**
 * Compares blocks of rows with queries: products prune most pairs, the survivors are rescored and offered to the heaps, which all
 * threads share. So a thread prunes by the limits of all.
 */
export class BlockScorer {
  readonly #shared: SharedSearch;
  readonly #heaps: NearestHeaps;
  readonly #floats: FloatFilter;
  readonly #codes: CodeFilter | undefined;
  readonly #rescorer: Rescorer;
  readonly #deleted: DeletedRows | undefined;
  #ties = noTies();

  /**
   * @param scratch address of `scratchBytes` bytes in the shared memory @param products as for `CodeFilter`
   * @param deleted rows of the table that are skipped
   */
  constructor(
    shared: SharedSearch,
    scratch: number,
    nearest: NearestMemory,
    products?: Promise<LoadedCodeProducts>,
    deleted?: RowBits,
  ) {
    this.#deleted = deleted && new DeletedRows(deleted);
    const kernels = instantiateKernels(shared.module, shared.memory);
    let at = scratch;
    const allocate = (bytes: number) => {
      const from = at;
      at += Math.ceil(bytes / 64) * 64;
      return from;
    };
    const most = BLOCK_ROWS * TILE_QUERIES;
    this.#shared = shared;
    this.#heaps = new NearestHeaps(nearest);
    const pairs = new Uint32Array(shared.memory.buffer, allocate(4 * most), most);
    const selector = new PairSelector(kernels, shared.memory.buffer, allocate, pairs, shared.k);
    this.#rescorer = new Rescorer(shared, kernels, pairs, allocate);
    this.#floats = new FloatFilter(shared, kernels, allocate, selector);
    // Sixteen components are one step of the kernels.
    if (shared.dimension % LANES === 0) this.#codes = new CodeFilter(shared, kernels, allocate, selector, products);
  }

  /** Pairs that were rescored so far. */
  get rescoredPairs(): number {
    return this.#rescorer.rescoredPairs;
  }

  /**
   * Offers the rows of a block to queries. The block's rows may be moved in its memory.
   * @param chosen the queries to compare with; default: all
   * @param emit takes ties where there are very many
   * @returns the other ties
   */
  async score(
    block: BlockRows,
    chosen: ChosenQueries | undefined,
    emit: (ties: RowTies) => void | Promise<void>,
  ): Promise<RowTies> {
    const { vectors, rowIds, excluded } = this.#selectRows(block);
    if (vectors.length === 0) return this.#takeTies();
    this.#rescorer.begin(vectors);
    this.#floats.begin(excluded);
    this.#codes?.begin(excluded);
    const total = chosen?.queries.length ?? this.#shared.squares.length;
    for (let first = 0; first < total; first += TILE_QUERIES) {
      const count = Math.min(TILE_QUERIES, total - first);
      const queryOf = chosen ? (i: number) => chosen.queries[first + i]! : (i: number) => first + i;
      const tile: Tile = { first, count, width: Math.ceil(count / LANES) * LANES, queryOf };
      this.#offer(tile, await this.#filter(tile, vectors, chosen?.centre), rowIds);
      if (this.#ties.rows.length >= MOST_TIES) await emit(this.#takeTies());
    }
    return this.#takeTies();
  }

  async close(): Promise<void> {
    await this.#floats.close();
    await this.#codes?.close();
  }

  /** Returns the block, and the positions of its rows that no query finds. Where these are many, the others alone are returned. */
  #selectRows({ vectors, rowIds }: BlockRows): BlockRows & { excluded: readonly number[] } {
    const { dimension } = this.#shared;
    const rows = vectors.length / dimension;
    const excluded: number[] = [];
    if (this.#deleted) for (let row = 0; row < rows; row++) if (this.#deleted.has(rowIds[row]!)) excluded.push(row);
    if (excluded.length <= rows * MOST_EXCLUDED) return { vectors, rowIds, excluded };
    let kept = 0;
    for (let row = 0; row < rows; row++) {
      if (this.#deleted!.has(rowIds[row]!)) continue;
      vectors.copyWithin(kept * dimension, row * dimension, (row + 1) * dimension);
      rowIds[kept++] = rowIds[row]!;
    }
    return { vectors: vectors.subarray(0, kept * dimension), rowIds, excluded: [] };
  }

  /** Prunes pairs by the quicker products, or by the others where too many survive. @returns survivors */
  async #filter(tile: Tile, vectors: Float32Array, centre: Float32Array | undefined): Promise<number> {
    const survivors = tile.count <= FEW_QUERIES ? await this.#floats.run(tile, vectors) : undefined;
    return (
      survivors ?? (await this.#codes?.run(tile, vectors, centre)) ?? (await this.#floats.runAnyway(tile, vectors))
    );
  }

  /** Rescores the survivors of a tile, query by query, and offers those within the query's limit. */
  #offer(tile: Tile, survivors: number, rowIds: Float64Array): void {
    const { limits } = this.#shared;
    const heaps = this.#heaps;
    this.#rescorer.group(tile, survivors);
    for (let column = 0; column < tile.count; column++) {
      const query = tile.queryOf(column);
      const { count, rows, distances } = this.#rescorer.rescore(column, query);
      if (count === 0) continue;
      heaps.lock(query);
      let limit = heaps.limit(query);
      for (let i = 0; i < count; i++) {
        const distance = distances[i]!;
        if (!(distance <= limit)) continue; // nor where it is no number
        if (this.#deleted?.has(rowIds[rows[i]!]!)) continue;
        const tie = heaps.offer(query, distance, rowIds[rows[i]!]!);
        limit = heaps.limit(query);
        if (tie !== NO_TIE) this.#addTie(query, tie, limit);
      }
      limits[query] = limit;
      heaps.unlock(query);
    }
  }

  #addTie(query: number, row: number, distance: number): void {
    this.#ties.queries.push(query);
    this.#ties.rows.push(row);
    this.#ties.distances.push(distance);
  }

  #takeTies(): RowTies {
    const { queries, rows, distances } = this.#ties;
    if (rows.length > 0) this.#ties = noTies();
    return {
      queries: Int32Array.from(queries),
      rows: Float64Array.from(rows),
      distances: Float32Array.from(distances),
    };
  }
}

function noTies(): { queries: number[]; rows: number[]; distances: number[] } {
  return { queries: [], rows: [], distances: [] };
}

export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}
