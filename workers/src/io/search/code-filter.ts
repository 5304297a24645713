import { boundRows, kthLargest, leastScore } from '../../core/search/filter-bounds.ts';
import { type Kernels, ROW_NUMBERS } from '../../core/search/kernels.ts';
import { BLOCK_ROWS, TILE_QUERIES } from '../../core/search/memory.ts';
import type { SharedSearch, Tile } from './block-scorer.ts';
import { type CodeProduct, createCodeProduct } from './code-product.ts';
import { type CodedQueries, type CodeRoom, codeQueries, codeRoom } from './query-codes.ts';

/** Pairs a row that take as long to look at as the row takes in a product of float32, however few the queries. */
const PAIRS_A_ROW = 8;
/** Share of the pairs that the codes may leave over before a product of float32 is quicker than looking at each. */
const LARGEST_SHARE = 1 / 16;
/** Times k: a query with more pairs in a block is worth a second thought. */
const MANY = 2;
/** Tiles for which the codes are not asked again after they left over too much. */
const PAUSE_TILES = 7;

/** Leaves out pairs of rows and queries by products of 8-bit codes. */
export class CodeFilter {
  readonly #shared: SharedSearch;
  readonly #kernels: Kernels;
  readonly #product: CodeProduct;
  readonly #pairs: Uint32Array;
  readonly #rowCodes: Uint8Array;
  readonly #rowNumbers: Float32Array;
  readonly #rowTerms: Float32Array;
  readonly #certain: Float32Array;
  readonly #tileRoom: CodeRoom;
  readonly #tileTerms: Float32Array;
  readonly #dots: Int32Array;
  readonly #counts = new Int32Array(TILE_QUERIES);
  readonly #starts = new Int32Array(TILE_QUERIES);
  readonly #ends = new Int32Array(TILE_QUERIES);
  readonly #leasts = new Float64Array(TILE_QUERIES);
  #lower = new Float32Array(0);
  /** What the rows of the block are encoded with. */
  #centre: Float32Array | undefined;
  #rows = 0;
  /** Whose bounds the terms of the rows are. */
  #bounded: CodedQueries | undefined;
  #pause = 0;

  /** @param take gives the address of so many bytes of the shared memory @param pairs room for those that are left */
  static async create(
    shared: SharedSearch,
    kernels: Kernels,
    take: (bytes: number) => number,
    pairs: Uint32Array,
  ): Promise<CodeFilter> {
    return new CodeFilter(shared, kernels, await createCodeProduct(shared.dimension), take, pairs);
  }

  private constructor(
    shared: SharedSearch,
    kernels: Kernels,
    product: CodeProduct,
    take: (bytes: number) => number,
    pairs: Uint32Array,
  ) {
    this.#shared = shared;
    this.#kernels = kernels;
    this.#product = product;
    this.#pairs = pairs;
    const { dimension } = shared;
    const { buffer } = shared.memory;
    const floats = (count: number) => new Float32Array(buffer, take(4 * count), count);
    this.#rowCodes = new Uint8Array(buffer, take(BLOCK_ROWS * dimension), BLOCK_ROWS * dimension);
    this.#rowNumbers = floats(BLOCK_ROWS * ROW_NUMBERS);
    this.#rowTerms = floats(BLOCK_ROWS * 4);
    this.#certain = floats(BLOCK_ROWS);
    this.#tileRoom = codeRoom(buffer, take, TILE_QUERIES, dimension);
    this.#tileTerms = floats(3 * TILE_QUERIES);
    this.#dots = new Int32Array(buffer, take(4 * BLOCK_ROWS * TILE_QUERIES), BLOCK_ROWS * TILE_QUERIES);
  }

  /** The rows of a block come next. */
  begin(): void {
    this.#centre = undefined;
  }

  /**
   * Pairs that the codes leave over.
   * @param vectors [rows, D] of the block @param centre of its rows; not given where all queries are coded alike
   * @returns their number, row * width + column each; undefined where these are too many
   */
  async run(tile: Tile, vectors: Float32Array, centre: Float32Array | undefined): Promise<number | undefined> {
    if (this.#pause > 0) {
      this.#pause--;
      return undefined;
    }
    const { dimension, k } = this.#shared;
    const { width, count } = tile;
    const coded = centre ? this.#encodeQueries(tile, centre) : this.#shared.coded!;
    this.#encodeRows(vectors, coded);
    const rows = this.#rows;
    const first = centre ? 0 : tile.first;
    const codes = coded.codes.subarray(first * dimension, (first + width) * dimension);
    await this.#product.run(this.#rowCodes.subarray(0, rows * dimension), codes, this.#dots.subarray(0, rows * width));
    this.#fillTerms(tile, coded, first);
    const selected = this.#kernels.select(
      this.#dots.byteOffset,
      rows,
      width,
      this.#rowTerms.byteOffset,
      this.#tileTerms.byteOffset,
      this.#pairs.byteOffset,
    );
    const left = this.#tighten(tile, selected);
    if (left <= count * (2 * k + rows * LARGEST_SHARE) + rows * PAIRS_A_ROW) return left;
    this.#pause = PAUSE_TILES;
    return undefined;
  }

  close(): Promise<void> {
    return this.#product.close();
  }

  #encodeQueries(tile: Tile, centre: Float32Array): CodedQueries {
    return codeQueries(this.#kernels, this.#shared, centre, tile.count, (i) => tile.queryOf(i), this.#tileRoom);
  }

  /** Once a block, whatever the number of its tiles. */
  #encodeRows(vectors: Float32Array, coded: CodedQueries): void {
    if (this.#centre === undefined) {
      this.#rows = vectors.length / coded.dimension;
      this.#kernels.quantize(
        vectors.byteOffset,
        this.#rows,
        coded.dimension,
        coded.mean.byteOffset,
        this.#tileRoom.vector.byteOffset,
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
    boundRows(coded, this.#rowNumbers, this.#rows, this.#rowTerms, this.#certain);
    this.#bounded = coded;
  }

  #fillTerms(tile: Tile, coded: CodedQueries, first: number): void {
    const { limits, squares } = this.#shared;
    const { width, count } = tile;
    const terms = this.#tileTerms;
    for (let i = 0; i < count; i++) {
      const query = tile.queryOf(i);
      const [length, inverse] = [coded.lengths[first + i]!, coded.inverseScales[first + i]!];
      const limit = limits[query]!;
      const scale = coded.meanLength * Math.sqrt(squares[query]!);
      terms[i] = length;
      terms[width + i] = inverse;
      terms[2 * width + i] = leastScore(coded.metric, limit, coded.bases[first + i]!, scale, inverse);
    }
    terms.fill(0, count, width).fill(0, width + count, 2 * width);
    terms.fill(Number.POSITIVE_INFINITY, 2 * width + count, 3 * width);
  }

  /**
   * Of queries with many pairs left, leaves out those that cannot be among the k nearest even of this block: a cluster that
   * comes when the limit is still that of a farther one would have all of its rows looked at.
   * @returns how many of the pairs are left
   */
  #tighten({ width, count }: Tile, pairs: number): number {
    const { k } = this.#shared;
    const [counts, starts] = [this.#counts.fill(0), this.#starts];
    for (let i = 0; i < pairs; i++) counts[this.#pairs[i]! % width]!++;
    let total = 0;
    for (let column = 0; column < count; column++) {
      const many = counts[column]! > MANY * k && this.#tileTerms[width + column]! > 0;
      starts[column] = many ? total : -1;
      if (many) total += counts[column]!;
    }
    if (total === 0) return pairs;
    if (this.#lower.length < total) this.#lower = new Float32Array(total);
    const ends = this.#ends;
    ends.set(starts);
    for (let i = 0; i < pairs; i++) {
      const column = this.#pairs[i]! % width;
      if (column >= count || starts[column]! < 0) continue;
      this.#lower[ends[column]!++] = this.#atLeast(this.#pairs[i]!, column, width);
    }
    for (let column = 0; column < count; column++) {
      if (starts[column]! < 0) continue;
      const least = kthLargest(this.#lower.subarray(starts[column]!, ends[column]!), k);
      this.#leasts[column] = least - 1e-6 * Math.abs(least);
    }
    let left = 0;
    for (let i = 0; i < pairs; i++) {
      const pair = this.#pairs[i]!;
      const column = pair % width;
      if (column < count && starts[column]! >= 0 && this.#atMost(pair, column, width) < this.#leasts[column]!) continue;
      this.#pairs[left++] = pair;
    }
    return left;
  }

  /** The score of a pair over the query's scale, at least. */
  #atLeast(pair: number, column: number, width: number): number {
    const row = (pair - column) / width;
    const [own, of] = [this.#rowTerms, this.#tileTerms];
    const value =
      this.#dots[pair]! * own[4 * row]! -
      of[column]! * own[4 * row + 1]! -
      own[4 * row + 3]! +
      of[width + column]! * this.#certain[row]!;
    return Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
  }

  /** What `select` compares, NaN where nothing is known. */
  #atMost(pair: number, column: number, width: number): number {
    const row = (pair - column) / width;
    const [own, of] = [this.#rowTerms, this.#tileTerms];
    return (
      this.#dots[pair]! * own[4 * row]! +
      of[column]! * own[4 * row + 1]! +
      of[width + column]! * own[4 * row + 2]! +
      own[4 * row + 3]!
    );
  }
}
