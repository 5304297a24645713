import { AssignMemory, GATHERED_ROWS, TILE_ROWS, type Tile } from './assign-memory.ts';
import type { AssignPlan, GroupLevel } from './assign-plan.ts';
import type { ColumnBlocks } from './column-blocks.ts';
import { createColumnProducts } from './column-products.ts';

/** Finds the nearest centroid of rows, by products of 8-bit codes. */
export interface Assigner {
  /**
   * Finds the nearest centroid of each row, or nearly: what codes cannot tell apart may go to either. It depends on the row and the
   * plan alone, not on other rows, threads or the processor. Calls must not overlap.
   * @param vectors [rows, D]; thousands of rows cost less each than hundreds
   * @param into the centroid of each row
   */
  assign(vectors: Float32Array, rows: number, into: Int32Array): Promise<void>;
  /** An estimate of what was done so far, in products of two codes. */
  readonly work: number;
  close(): Promise<void>;
}

export interface AssignerOptions {
  /** Threads of one matrix product; default: one a core. */
  threads?: number;
}

/** In products of two codes, 2.6 ps each: the work of writing and reading a sum, of a call of ONNX Runtime, of keeping a candidate, of a product in `rescore`. */
const SUM_WORK = 105;
const CALL_WORK = 8e6;
const KEEP_WORK = 2e5;
const RESCORE_WORK = 20;

/**
 * Loads a plan. Instances in several threads share the plan's memory; each has about 30 MB of its own, and the centroids' codes where
 * the plan keeps several candidates.
 *
 * The nearest centroid c of a row x has the largest y.d - |d|^2 / 2, where y = x - m and d = c - m, whatever m. Products are
 * of 8-bit numbers, several times faster than of float32.
 */
export async function createAssigner(plan: AssignPlan, { threads }: AssignerOptions = {}): Promise<Assigner> {
  const products = await createColumnProducts(threads);
  const memory = new AssignMemory(plan);
  const { groups, columns, firstBlocks, short } = plan;
  let work = 0;

  /** Multiplies rows by a block's columns. @returns the number of columns */
  const multiply = async (codes: Uint8Array, width: number, { starts, codes: all }: ColumnBlocks, block: number) => {
    const [start, end] = [starts[block]!, starts[block + 1]!];
    const pairs = (codes.length / width) * (end - start);
    await products.run(codes, all.subarray(start * width, end * width), width, memory.dots(pairs));
    work += pairs * (width + SUM_WORK) + CALL_WORK;
    return end - start;
  };
  const shortenRows = async (rows: number) => {
    for (const tile of tilesOf(0, rows)) {
      await multiply(memory.longCodes(tile), plan.width, short!.projection, 0);
      memory.shorten(tile);
    }
  };
  const compareWithGroup = async (group: number, rowIds: Int32Array, codes: Uint8Array) => {
    for (let block = firstBlocks[group]!; block < firstBlocks[group + 1]!; block++) {
      const count = await multiply(codes, memory.levelWidth, columns, block);
      memory.select(rowIds, count, columns.starts[block]!);
    }
  };
  const compareWithAll = async (rows: number) => {
    for (const tile of tilesOf(0, rows))
      for (let group = 0; group + 1 < firstBlocks.length; group++)
        await compareWithGroup(group, memory.rowIds(tile), memory.codes(tile));
  };
  const compareWithNearest = async (rows: number, level: GroupLevel) => {
    const pairs = new RowsOfGroups(firstBlocks.length - 1);
    for (const tile of tilesOf(0, rows)) {
      const groupColumns = await multiply(memory.codes(tile), memory.levelWidth, level.columns, 0);
      pairs.add(memory.nearGroups(tile, groupColumns, level), tile.first, groupColumns);
    }
    for (const [group, ofGroup] of pairs.byGroup().entries())
      for (const { first, count } of tilesOf(0, ofGroup.length, GATHERED_ROWS)) {
        const rowIds = ofGroup.subarray(first, first + count);
        await compareWithGroup(group, rowIds, memory.gather(rowIds));
      }
  };

  return {
    get work() {
      return work;
    },
    async assign(vectors, rows, into) {
      for (let first = 0; first < rows; first += memory.blockRows) {
        const count = Math.min(memory.blockRows, rows - first);
        memory.load(vectors.subarray(first * plan.dimension, (first + count) * plan.dimension), count);
        if (short) await shortenRows(count);
        if (groups) await compareWithNearest(count, groups);
        else await compareWithAll(count);
        if (short && short.kept > 1) {
          memory.rescore();
          work += count * short.kept * (KEEP_WORK + plan.width * RESCORE_WORK);
        }
        memory.readNearest(into.subarray(first, first + count));
      }
    },
    close: () => products.close(),
  };
}

/** Cuts [start, end) into tiles. */
function tilesOf(start: number, end: number, tileRows = TILE_ROWS): Tile[] {
  return Array.from({ length: Math.ceil((end - start) / tileRows) }, (_, i) => {
    const first = start + i * tileRows;
    return { first, count: Math.min(tileRows, end - first) };
  });
}

/** The rows that are compared with each group. */
class RowsOfGroups {
  readonly #counts: Int32Array;
  #rows = new Int32Array(2 ** 16);
  #groups = new Int32Array(2 ** 16);
  #count = 0;

  constructor(groups: number) {
    this.#counts = new Int32Array(groups);
  }

  /** @param near row * columns + group, ascending @param firstRow number of row 0 */
  add(near: Int32Array, firstRow: number, columns: number): void {
    while (this.#count + near.length > this.#rows.length) {
      this.#rows = doubled(this.#rows);
      this.#groups = doubled(this.#groups);
    }
    const [rows, groups, counts] = [this.#rows, this.#groups, this.#counts];
    let at = this.#count;
    let row = firstRow;
    let start = 0;
    for (let i = 0; i < near.length; i++) {
      for (; near[i]! >= start + columns; start += columns) row++;
      const group = near[i]! - start;
      rows[at] = row;
      groups[at++] = group;
      counts[group]!++;
    }
    this.#count = at;
  }

  /** Returns the rows of each group, ascending. */
  byGroup(): Int32Array[] {
    const sorted = new Int32Array(this.#count);
    const next = new Int32Array(this.#counts.length);
    for (let group = 1; group < next.length; group++) next[group] = next[group - 1]! + this.#counts[group - 1]!;
    const [rows, groups] = [this.#rows, this.#groups];
    for (let i = 0; i < this.#count; i++) sorted[next[groups[i]!]!++] = rows[i]!;
    return Array.from(this.#counts, (count, group) => sorted.subarray(next[group]! - count, next[group]!));
  }
}

function doubled(values: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * values.length);
  larger.set(values);
  return larger;
}
