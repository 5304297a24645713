import {
  type AssignKernels,
  assignKernelModule,
  CANDIDATE_BYTES,
  NO_CENTROID,
  ROW_BYTES,
  SCORE_BYTES,
} from './assign-kernels.ts';
import type { AssignPlan, GroupLevel } from './assign-plan.ts';
import type { ColumnBlocks } from './column-blocks.ts';

/** Rows of one matrix product. */
export const TILE_ROWS = 512;
/** Rows that are ordered by group together: enough for each group to have a few. */
const GROUPED_ROWS = 8192;
const ALIGNMENT = 64;
const PAGE_BYTES = 65536;

/** The memory that one assigner's kernels work in: a block of rows as codes, and the best candidate of each. */
export class AssignMemory {
  /** Rows of a block. */
  readonly blockRows: number;
  readonly #plan: AssignPlan;
  readonly #kernels: AssignKernels;
  readonly #buffer: ArrayBuffer;
  readonly #at: Record<
    | 'centre'
    | 'rows'
    | 'codes'
    | 'numbers'
    | 'gathered'
    | 'rowIds'
    | 'dots'
    | 'terms'
    | 'groupTerms'
    | 'candidates'
    | 'groupCandidates'
    | 'pairs'
    | 'scores',
    number
  >;
  #rows = 0;

  constructor(plan: AssignPlan) {
    const { width, columns, groups } = plan;
    this.#plan = plan;
    this.blockRows = groups ? GROUPED_ROWS : TILE_ROWS;
    const groupColumns = groups ? groups.columns.starts.at(-1)! : 0;
    let end = ALIGNMENT;
    const reserve = (bytes: number) => {
      const at = end;
      end += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
      return at;
    };
    this.#at = {
      centre: reserve(4 * width),
      rows: reserve(4 * width * TILE_ROWS),
      codes: reserve(width * this.blockRows),
      numbers: reserve(ROW_BYTES * this.blockRows),
      gathered: reserve(groups ? width * TILE_ROWS : 0),
      rowIds: reserve(4 * TILE_ROWS),
      dots: reserve(4 * TILE_ROWS * Math.max(groupColumns, widestBlock(columns))),
      terms: reserve(columns.terms.byteLength),
      groupTerms: reserve(groups?.columns.terms.byteLength ?? 0),
      candidates: reserve(CANDIDATE_BYTES * this.blockRows),
      groupCandidates: reserve(groups ? CANDIDATE_BYTES * this.blockRows : 0),
      pairs: reserve(4 * TILE_ROWS * groupColumns),
      scores: reserve(SCORE_BYTES),
    };
    const pages = Math.ceil(end / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.#buffer = memory.buffer;
    const module = new WebAssembly.Module(assignKernelModule());
    this.#kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as AssignKernels;
    new Float32Array(this.#buffer, this.#at.centre, width).set(plan.centre);
    this.#integers(this.#at.terms, columns.terms.length).set(columns.terms);
    if (groups) this.#integers(this.#at.groupTerms, groups.columns.terms.length).set(groups.columns.terms);
  }

  /** Encodes a block of rows. @param vectors [rows, D] @param rows at most `blockRows` */
  load(vectors: Float32Array, rows: number): void {
    const { dimension, width, unit } = this.#plan;
    const at = this.#at;
    this.#rows = rows;
    const floats = new Float32Array(this.#buffer, at.rows, TILE_ROWS * width);
    for (let first = 0; first < rows; first += TILE_ROWS) {
      const count = Math.min(TILE_ROWS, rows - first);
      if (dimension === width) floats.set(vectors.subarray(first * width, (first + count) * width));
      else {
        floats.fill(0);
        for (let row = 0; row < count; row++)
          floats.set(vectors.subarray((first + row) * dimension, (first + row + 1) * dimension), row * width);
      }
      this.#kernels.encode(
        at.rows,
        count,
        width,
        at.centre,
        unit ? 1 : 0,
        at.codes + first * width,
        at.numbers + first * ROW_BYTES,
      );
    }
    this.#clear(at.candidates);
    if (this.#plan.groups) this.#clear(at.groupCandidates);
  }

  /** The codes of rows of the block: uint8 [count, width]. */
  codesOf(first: number, count: number): Uint8Array {
    const { width } = this.#plan;
    return new Uint8Array(this.#buffer, this.#at.codes + first * width, count * width);
  }

  /** The codes of the given rows, copied: uint8 [rowIds.length, width]. */
  gather(rowIds: Int32Array): Uint8Array {
    const { width } = this.#plan;
    this.#integers(this.#at.rowIds, rowIds.length).set(rowIds);
    this.#kernels.gather(this.#at.codes, this.#at.rowIds, rowIds.length, width, this.#at.gathered);
    return new Uint8Array(this.#buffer, this.#at.gathered, rowIds.length * width);
  }

  /** The numbers of consecutive rows. */
  consecutive(first: number, count: number): Int32Array {
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
    const terms = at.terms + 12 * start;
    this.#kernels.select(at.dots, at.rowIds, rowIds.length, columns, terms, at.numbers, at.candidates, 1, at.scores);
  }

  /**
   * Finds the groups to compare rows with, from the products of rows and groups.
   * @returns (row - first) * columns + group each, by row
   */
  nearGroups(first: number, count: number, columns: number, { slack, base }: GroupLevel): Int32Array {
    const at = this.#at;
    this.consecutive(first, count);
    const best = at.groupCandidates;
    this.#kernels.select(at.dots, at.rowIds, count, columns, at.groupTerms, at.numbers, best, 1, at.scores);
    const found = this.#kernels.near(
      at.dots,
      count,
      columns,
      at.groupTerms,
      at.numbers + first * ROW_BYTES,
      best + first * CANDIDATE_BYTES,
      slack,
      base,
      at.pairs,
    );
    return this.#integers(at.pairs, found);
  }

  /** @param into the nearest centroid of each row of the block */
  readNearest(into: Int32Array): void {
    const candidates = this.#integers(this.#at.candidates, 2 * this.#rows);
    for (let row = 0; row < this.#rows; row++) {
      const centroid = candidates[2 * row + 1]!;
      into[row] = centroid === NO_CENTROID ? 0 : centroid;
    }
  }

  #clear(candidates: number): void {
    const scores = new Float32Array(this.#buffer, candidates, 2 * this.#rows);
    const centroids = this.#integers(candidates, 2 * this.#rows);
    for (let i = 0; i < 2 * this.#rows; i += 2) {
      scores[i] = Number.NEGATIVE_INFINITY;
      centroids[i + 1] = NO_CENTROID;
    }
  }

  #integers(at: number, count: number): Int32Array {
    return new Int32Array(this.#buffer, at, count);
  }
}

function widestBlock({ starts }: ColumnBlocks): number {
  return starts.reduce((most, start, i) => (i > 0 ? Math.max(most, start - starts[i - 1]!) : most), 0);
}
