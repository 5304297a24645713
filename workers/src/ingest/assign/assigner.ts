import { sortByPartition } from '../../vectors/partition-sort.ts';
import { AssignMemory, TILE_ROWS, type Tile } from './assign-memory.ts';
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

/** In products of two codes, 3 ps each: the work of writing and reading a sum, of a call of ONNX Runtime, of keeping a candidate, of a product in `rescore`. */
const SUM_WORK = 256;
const CALL_WORK = 8e6;
const KEEP_WORK = 6e4;
const RESCORE_WORK = 20;

/**
 * Loads a plan. Instances in several threads share the plan's memory; each has about 20 MB of its own, and the centroids' codes where
 * the plan has short ones.
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
    const groupCount = firstBlocks.length - 1;
    const [rowParts, groupParts]: [Int32Array[], Int32Array[]] = [[], []];
    for (const tile of tilesOf(0, rows)) {
      const groupColumns = await multiply(memory.codes(tile), memory.levelWidth, level.columns, 0);
      const near = memory.nearGroups(tile, groupColumns, level);
      rowParts.push(near.map((pair) => tile.first + Math.floor(pair / groupColumns)));
      groupParts.push(near.map((pair) => pair % groupColumns));
    }
    const pairRows = concatenate(rowParts);
    const { order, counts } = sortByPartition(concatenate(groupParts), groupCount);
    for (let group = 0, start = 0; group < groupCount; start += counts[group]!, group++)
      for (const { first, count } of tilesOf(start, start + counts[group]!)) {
        const rowIds = order.subarray(first, first + count).map((pair) => pairRows[pair]!);
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
        if (short) {
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
function tilesOf(start: number, end: number): Tile[] {
  return Array.from({ length: Math.ceil((end - start) / TILE_ROWS) }, (_, i) => {
    const first = start + i * TILE_ROWS;
    return { first, count: Math.min(TILE_ROWS, end - first) };
  });
}

function concatenate(parts: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
