import { type AssignKernels, assignKernelModule } from './assign-kernels.ts';
import type { AssignPlan, GroupLevel } from './assign-plan.ts';
import type { ColumnBlocks } from './column-blocks.ts';
import { CANDIDATE_BYTES, NO_CENTROID, ROW_BYTES, SCORE_BYTES } from './kernel-parts.ts';

/** Rows of one matrix product. */
export const TILE_ROWS = 512;
/** Rows that are compared with a group at once. It has few centroids, so a product costs less than its call otherwise. */
export const GATHERED_ROWS = 2048;
/** Rows that are sorted by group together: enough for each group to have a few. */
const GROUPED_ROWS = 16_384;
const ALIGNMENT = 64;
const PAGE_BYTES = 65536;

/** Consecutive rows of a block. */
export interface Tile {
  first: number;
  count: number;
}

/** The memory that one assigner's kernels work in: a block of rows as codes, and the best candidates of each. */
export class AssignMemory {
  /** Rows of a block. */
  readonly blockRows: number;
  /** Components of the codes that are compared with columns. */
  readonly levelWidth: number;
  readonly #plan: AssignPlan;
  readonly #kept: number;
  readonly #kernels: AssignKernels;
  readonly #buffer: ArrayBuffer;
  readonly #at: ReturnType<typeof layOut>['addresses'];
  #rows = 0;

  constructor(plan: AssignPlan) {
    const { width, columns, groups, short } = plan;
    this.#plan = plan;
    this.#kept = short?.kept ?? 1;
    this.levelWidth = short?.width ?? width;
    this.blockRows = groups ? GROUPED_ROWS : TILE_ROWS;
    const { addresses, bytes } = layOut(plan, this.blockRows);
    this.#at = addresses;
    const pages = Math.ceil(bytes / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.#buffer = memory.buffer;
    const module = new WebAssembly.Module(assignKernelModule());
    this.#kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as AssignKernels;
    this.#floats(addresses.centre, width).set(plan.centre);
    this.#integers(addresses.terms, columns.terms.length).set(columns.terms);
    if (groups) this.#integers(addresses.groupTerms, groups.columns.terms.length).set(groups.columns.terms);
    if (!short) return;
    this.#integers(addresses.projectionTerms, short.projection.terms.length).set(short.projection.terms);
    new Int8Array(this.#buffer, addresses.centroids, short.centroids.length).set(short.centroids);
    this.#floats(addresses.centroidTerms, short.terms.length).set(short.terms);
  }

  /** Encodes a block of rows. @param vectors [rows, D] @param rows at most `blockRows` */
  load(vectors: Float32Array, rows: number): void {
    const { dimension, width, unit } = this.#plan;
    const at = this.#at;
    this.#rows = rows;
    const floats = this.#floats(at.rows, TILE_ROWS * width);
    for (let first = 0; first < rows; first += TILE_ROWS) {
      const count = Math.min(TILE_ROWS, rows - first);
      if (dimension === width) floats.set(vectors.subarray(first * width, (first + count) * width));
      else {
        floats.fill(0);
        for (let row = 0; row < count; row++)
          floats.set(vectors.subarray((first + row) * dimension, (first + row + 1) * dimension), row * width);
      }
      const codes = at.longCodes + first * width;
      this.#kernels.encode(at.rows, count, width, at.centre, unit ? 1 : 0, codes, at.longNumbers + first * ROW_BYTES);
    }
    this.#clear(at.candidates, this.#kept);
    if (this.#plan.groups) this.#clear(at.groupCandidates, 1);
  }

  /** The codes of rows with all components: uint8 [count, width]. */
  longCodes({ first, count }: Tile): Uint8Array {
    const { width } = this.#plan;
    return new Uint8Array(this.#buffer, this.#at.longCodes + first * width, count * width);
  }

  /** The codes of rows that are compared with columns: uint8 [count, levelWidth]. */
  codes({ first, count }: Tile): Uint8Array {
    const width = this.levelWidth;
    return new Uint8Array(this.#buffer, this.#at.codes + first * width, count * width);
  }

  /** Makes short codes of rows from the products of rows and directions. */
  shorten({ first, count }: Tile): void {
    const at = this.#at;
    const width = this.levelWidth;
    const long = at.longNumbers + first * ROW_BYTES;
    this.#kernels.scaleDots(at.dots, count, width, at.projectionTerms, long, at.rows);
    const codes = at.codes + first * width;
    this.#kernels.encode(at.rows, count, width, at.zeros, 0, codes, at.numbers + first * ROW_BYTES);
  }

  /** The codes of the given rows, copied: uint8 [rowIds.length, levelWidth]. */
  gather(rowIds: Int32Array): Uint8Array {
    const at = this.#at;
    this.#integers(at.rowIds, rowIds.length).set(rowIds);
    this.#kernels.gather(at.codes, at.rowIds, rowIds.length, this.levelWidth, at.gathered);
    return new Uint8Array(this.#buffer, at.gathered, rowIds.length * this.levelWidth);
  }

  /** The numbers of a tile's rows in the block. */
  rowIds({ first, count }: Tile): Int32Array {
    const rowIds = this.#integers(this.#at.rowIds, count);
    for (let i = 0; i < count; i++) rowIds[i] = first + i;
    return rowIds;
  }

  /** Where products are written. */
  dots(count: number): Int32Array {
    return this.#integers(this.#at.dots, count);
  }

  /** Keeps the best of a block's columns for each row. @param rowIds which rows the products are of @param start first column */
  select(rowIds: Int32Array, columns: number, start: number): void {
    const at = this.#at;
    this.#integers(at.rowIds, rowIds.length).set(rowIds);
    const [terms, count] = [at.terms + 12 * start, rowIds.length];
    this.#kernels.select(at.dots, at.rowIds, count, columns, terms, at.numbers, at.candidates, this.#kept, at.scores);
  }

  /**
   * Finds the groups to compare rows with, from the products of rows and groups.
   * @returns (row - first) * columns + group each, by row
   */
  nearGroups(tile: Tile, columns: number, { slack, base }: GroupLevel): Int32Array {
    const at = this.#at;
    const { first, count } = tile;
    this.rowIds(tile);
    const [terms, best] = [at.groupTerms, at.groupCandidates];
    this.#kernels.select(at.dots, at.rowIds, count, columns, terms, at.numbers, best, 1, at.scores);
    const numbers = at.numbers + first * ROW_BYTES;
    const ownBest = best + first * CANDIDATE_BYTES;
    return this.#integers(
      at.pairs,
      this.#kernels.near(at.dots, count, columns, terms, numbers, ownBest, slack, base, at.pairs),
    );
  }

  /** Puts the nearest of each row's candidates first, by all components. */
  rescore(): void {
    const at = this.#at;
    const { width } = this.#plan;
    const total = this.#plan.short!.terms.length / 2;
    const [codes, numbers] = [at.longCodes, at.longNumbers];
    const [centroids, terms] = [at.centroids, at.centroidTerms];
    this.#kernels.rescore(codes, this.#rows, width, numbers, at.candidates, this.#kept, centroids, terms, total);
  }

  /** @param into the nearest centroid of each row of the block */
  readNearest(into: Int32Array): void {
    const kept = this.#kept;
    const candidates = this.#integers(this.#at.candidates, 2 * kept * this.#rows);
    for (let row = 0; row < this.#rows; row++) {
      const centroid = candidates[2 * kept * row + 1]!;
      into[row] = centroid === NO_CENTROID ? 0 : centroid;
    }
  }

  #clear(candidates: number, kept: number): void {
    const length = 2 * kept * this.#rows;
    const scores = this.#floats(candidates, length);
    const centroids = this.#integers(candidates, length);
    for (let i = 0; i < length; i += 2) {
      scores[i] = Number.NEGATIVE_INFINITY;
      centroids[i + 1] = NO_CENTROID;
    }
  }

  #integers(at: number, count: number): Int32Array {
    return new Int32Array(this.#buffer, at, count);
  }

  #floats(at: number, count: number): Float32Array {
    return new Float32Array(this.#buffer, at, count);
  }
}

/** Gives everything an address. Without short codes, those of rows are the long ones. */
function layOut({ width, columns, groups, short }: AssignPlan, blockRows: number) {
  const groupColumns = groups ? groups.columns.starts.at(-1)! : 0;
  const widest = widestBlock(columns);
  const mostColumns = Math.max(groupColumns, widest, short?.width ?? 0);
  let end = ALIGNMENT;
  const reserve = (bytes: number) => {
    const at = end;
    end += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    return at;
  };
  const [longCodes, longNumbers] = [reserve(width * blockRows), reserve(ROW_BYTES * blockRows)];
  const addresses = {
    longCodes,
    longNumbers,
    codes: short ? reserve(short.width * blockRows) : longCodes,
    numbers: short ? reserve(ROW_BYTES * blockRows) : longNumbers,
    centre: reserve(4 * width),
    zeros: reserve(4 * width),
    rows: reserve(4 * width * TILE_ROWS),
    gathered: reserve(groups ? (short?.width ?? width) * GATHERED_ROWS : 0),
    rowIds: reserve(4 * GATHERED_ROWS),
    dots: reserve(4 * Math.max(TILE_ROWS * mostColumns, groups ? GATHERED_ROWS * widest : 0)),
    terms: reserve(columns.terms.byteLength),
    groupTerms: reserve(groups?.columns.terms.byteLength ?? 0),
    projectionTerms: reserve(short?.projection.terms.byteLength ?? 0),
    centroids: reserve(short?.centroids.byteLength ?? 0),
    centroidTerms: reserve(short?.terms.byteLength ?? 0),
    candidates: reserve(CANDIDATE_BYTES * blockRows * (short?.kept ?? 1)),
    groupCandidates: reserve(groups ? CANDIDATE_BYTES * blockRows : 0),
    pairs: reserve(4 * TILE_ROWS * groupColumns),
    scores: reserve(SCORE_BYTES),
  };
  return { addresses, bytes: end };
}

function widestBlock({ starts }: ColumnBlocks): number {
  return starts.reduce((most, start, i) => (i > 0 ? Math.max(most, start - starts[i - 1]!) : most), 0);
}
