import { sortByPartition } from '../../vectors/partition-sort.ts';
import { AssignMemory, TILE_ROWS } from './assign-memory.ts';
import type { AssignPlan } from './assign-plan.ts';
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
  /** Columns that rows were compared with so far, those of groups included. */
  readonly comparisons: number;
  close(): Promise<void>;
}

export interface AssignerOptions {
  /** Threads of one matrix product; default: one a core. */
  threads?: number;
}

/**
 * Loads a plan. Instances in several threads share the plan's memory; each has about 20 MB of its own.
 *
 * The nearest centroid c of a row x has the largest y.d - |d|^2 / 2, where y = x - m and d = c - m, whatever m. Products are
 * of 8-bit numbers, several times faster than of float32.
 */
export async function createAssigner(plan: AssignPlan, { threads }: AssignerOptions = {}): Promise<Assigner> {
  const products = await createColumnProducts(plan.width, threads);
  const memory = new AssignMemory(plan);
  const { width, groups, columns, firstBlocks } = plan;
  let comparisons = 0;

  /** Multiplies rows by a block's columns. @returns the number of columns */
  const multiply = async (codes: Uint8Array, { starts, codes: columnCodes }: ColumnBlocks, block: number) => {
    const [start, end] = [starts[block]!, starts[block + 1]!];
    const rows = codes.length / width;
    await products.run(codes, columnCodes.subarray(start * width, end * width), memory.dots(rows * (end - start)));
    comparisons += rows * (end - start);
    return end - start;
  };
  const compareWithGroup = async (group: number, rowIds: Int32Array, codes: Uint8Array) => {
    for (let block = firstBlocks[group]!; block < firstBlocks[group + 1]!; block++) {
      const count = await multiply(codes, columns, block);
      memory.select(rowIds, count, columns.starts[block]!);
    }
  };
  const compareWithAll = async (rows: number) => {
    for (let first = 0; first < rows; first += TILE_ROWS) {
      const rowIds = memory.consecutive(first, Math.min(TILE_ROWS, rows - first));
      for (let group = 0; group + 1 < firstBlocks.length; group++)
        await compareWithGroup(group, rowIds, memory.codesOf(first, rowIds.length));
    }
  };
  const compareWithNearest = async (rows: number, level: NonNullable<AssignPlan['groups']>) => {
    const groupCount = firstBlocks.length - 1;
    const pairs = { rows: [] as Int32Array[], groups: [] as Int32Array[] };
    for (let first = 0; first < rows; first += TILE_ROWS) {
      const count = Math.min(TILE_ROWS, rows - first);
      const groupColumns = await multiply(memory.codesOf(first, count), level.columns, 0);
      const near = memory.nearGroups(first, count, groupColumns, level);
      pairs.rows.push(near.map((pair) => first + Math.floor(pair / groupColumns)));
      pairs.groups.push(near.map((pair) => pair % groupColumns));
    }
    const [pairRows, pairGroups] = [concatenate(pairs.rows), concatenate(pairs.groups)];
    const { order, counts } = sortByPartition(pairGroups, groupCount);
    for (let group = 0, first = 0; group < groupCount; first += counts[group]!, group++)
      for (let at = first; at < first + counts[group]!; at += TILE_ROWS) {
        const end = Math.min(at + TILE_ROWS, first + counts[group]!);
        const rowIds = order.subarray(at, end).map((pair) => pairRows[pair]!);
        await compareWithGroup(group, rowIds, memory.gather(rowIds));
      }
  };

  return {
    get comparisons() {
      return comparisons;
    },
    async assign(vectors, rows, into) {
      for (let first = 0; first < rows; first += memory.blockRows) {
        const count = Math.min(memory.blockRows, rows - first);
        memory.load(vectors.subarray(first * plan.dimension, (first + count) * plan.dimension), count);
        if (groups) await compareWithNearest(count, groups);
        else await compareWithAll(count);
        memory.readNearest(into.subarray(first, first + count));
      }
    },
    close: () => products.close(),
  };
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
