import type { Table } from '@lancedb/lancedb';
import type { Metric } from '../../core/metric.ts';
import { NearestRows } from '../../core/search/nearest.ts';
import { readTable } from '../lance/read-table.ts';
import type { Progress } from '../progress.ts';
import { readAhead } from '../read-ahead.ts';
import type { QuerySet } from './queries.ts';
import { allocateBlock, type BlockNearest, createScorer, type RowBlock, type Scorer, sealBlock } from './scorer.ts';

/** Rows scored at once, and queries of one product: 32 MB of distances. */
const BLOCK_ROWS = 4096;
const TILE_QUERIES = 2048;

/** A block of rows with where they are in the table. */
interface LocatedBlock {
  block: RowBlock;
  rowIds: Float64Array;
}

/**
 * True neighbours: every query against every row, in matrix products, while the table is streamed once.
 * @returns the nearest rows of each query; distances of l2 lack the query's own square
 */
export async function searchExact(
  table: Table,
  queries: QuerySet,
  options: { dimension: number; metric: Metric; k: number },
  progress: Progress,
): Promise<NearestRows> {
  const { dimension, metric, k } = options;
  const queryCount = queries.vectors.length / dimension;
  const nearest = new NearestRows(queryCount, k);
  const scorer = await createScorer(dimension, metric);
  try {
    for await (const located of readAhead(blocks(table, dimension))) {
      for (let first = 0; first < queryCount; first += TILE_QUERIES) {
        const tile = queries.vectors.subarray(first * dimension, (first + TILE_QUERIES) * dimension);
        // One more than k shows whether equal distances were cut off.
        const found = await scorer.nearest(tile, located.block, k + 1);
        await collect(nearest, first, tile, found, located, scorer, dimension);
      }
      progress.add(located.block.rows);
    }
  } finally {
    await scorer.close();
  }
  return nearest;
}

/** Gathers a table's batches into blocks. Two take turns, so that one is filled while the other is scored. */
async function* blocks(table: Table, dimension: number): AsyncGenerator<LocatedBlock> {
  const spare = [newBlock(dimension), newBlock(dimension)];
  let filled = 0;
  let current = spare[0]!;
  let turn = 0;
  for await (const { rows, vectors, rowIds } of readTable(table)) {
    for (let at = 0; at < rows; ) {
      const count = Math.min(rows - at, BLOCK_ROWS - filled);
      current.block.vectors.set(vectors.subarray(at * dimension, (at + count) * dimension), filled * dimension);
      current.rowIds.set(rowIds.subarray(at, at + count), filled);
      at += count;
      filled += count;
      if (filled < BLOCK_ROWS) continue;
      yield { ...current, block: sealBlock(current.block, filled, dimension) };
      current = spare[++turn % 2]!;
      filled = 0;
    }
  }
  if (filled > 0) yield { ...current, block: sealBlock(current.block, filled, dimension) };
}

function newBlock(dimension: number): LocatedBlock {
  return { block: allocateBlock(BLOCK_ROWS, dimension), rowIds: new Float64Array(BLOCK_ROWS) };
}

/** Offers a block's nearest rows to each query of a tile. */
async function collect(
  nearest: NearestRows,
  firstQuery: number,
  tile: Float32Array,
  { count, distances, positions }: BlockNearest,
  { block, rowIds }: LocatedBlock,
  scorer: Scorer,
  dimension: number,
): Promise<void> {
  for (let i = 0; i < tile.length / dimension; i++) {
    const query = firstQuery + i;
    const from = i * count;
    const last = from + count - 1;
    // Equal distances at the end of the list: more of them may have been cut off, and ids decide which belong.
    const cut =
      count < block.rows && distances[last] === distances[last - 1] && distances[last]! <= nearest.limit(query);
    const until = cut ? lowerEnd(distances, from, last) : from + count;
    for (let at = from; at < until; at++) {
      if (distances[at]! > nearest.limit(query) || positions[at]! >= block.rows) break;
      nearest.offer(query, distances[at]!, rowIds[positions[at]!]!);
    }
    if (!cut) continue;
    const all = await scorer.distances(tile.subarray(i * dimension, (i + 1) * dimension), block);
    for (let row = 0; row < block.rows; row++)
      if (all[row] === distances[last]) nearest.offer(query, all[row]!, rowIds[row]!);
  }
}

/** Where the run of values equal to the last one begins. */
function lowerEnd(distances: Float32Array, from: number, last: number): number {
  let at = last;
  while (at > from && distances[at - 1] === distances[last]) at--;
  return at;
}
