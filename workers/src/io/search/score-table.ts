import { NearestRows } from '../../core/search/nearest.ts';
import type { Progress } from '../progress.ts';
import { readAhead } from '../read-ahead.ts';
import type { OpenBucket } from './open-bucket.ts';
import type { QuerySet } from './queries.ts';
import { type LocatedBlock, openRowSource, type RowSpan } from './row-source.ts';
import { type BlockNearest, createScorer, type Scorer } from './scorer.ts';

/** Rows scored at once, and queries of one product: 16 MB of distances. */
const BLOCK_ROWS = 4096;
const TILE_QUERIES = 1024;
/** One block is scored, one is read, one waits. */
const BUFFERS = 3;

/** A span of rows and the queries to compare with them; all where not given. */
export interface ScoredSpan extends RowSpan {
  queries?: Int32Array;
}

/**
 * The engine of `scan` and `exact`: reads spans of a table once, in order, and compares each with its queries in
 * matrix products, while the next rows are read.
 * @param spans ascending
 * @returns the nearest rows of each query; distances of l2 lack the query's own square
 */
export async function scoreTable(
  { folder, table, entry }: OpenBucket,
  queries: QuerySet,
  spans: Iterable<ScoredSpan>,
  k: number,
  progress: Progress,
): Promise<NearestRows> {
  const { dimension, metric } = entry;
  const nearest = new NearestRows(queries.count, k);
  const scorer = await createScorer(dimension, metric);
  const source = await openRowSource(folder, table, entry, BLOCK_ROWS, BUFFERS);
  try {
    for await (const located of readAhead(source.blocks(spans))) {
      for (const tile of queryTiles(queries, located.span.queries, dimension)) {
        // One more than k shows whether equal distances were cut off.
        const found = await scorer.nearest(tile.vectors(), located.block, k + 1);
        await collect(nearest, tile, found, located, scorer, dimension);
      }
      progress.add(located.block.rows);
      located.release();
    }
  } finally {
    await source.close();
    await scorer.close();
  }
  return nearest;
}

/** Queries of one product. */
interface QueryTile {
  count: number;
  /** Position in the query set of the i-th of them. */
  query(i: number): number;
  /** [count, D] */
  vectors(): Float32Array;
}

function* queryTiles({ vectors }: QuerySet, chosen: Int32Array | undefined, dimension: number): Generator<QueryTile> {
  const total = chosen?.length ?? vectors.length / dimension;
  for (let first = 0; first < total; first += TILE_QUERIES) {
    const count = Math.min(TILE_QUERIES, total - first);
    yield chosen
      ? {
          count,
          query: (i) => chosen[first + i]!,
          vectors: () => gatherVectors(vectors, chosen.subarray(first, first + count), dimension),
        }
      : {
          count,
          query: (i) => first + i,
          vectors: () => vectors.subarray(first * dimension, (first + count) * dimension),
        };
  }
}

function gatherVectors(vectors: Float32Array, chosen: Int32Array, dimension: number): Float32Array {
  const gathered = new Float32Array(chosen.length * dimension);
  for (let i = 0; i < chosen.length; i++)
    gathered.set(vectors.subarray(chosen[i]! * dimension, (chosen[i]! + 1) * dimension), i * dimension);
  return gathered;
}

/** Offers a block's nearest rows to each query of a tile. */
async function collect(
  nearest: NearestRows,
  tile: QueryTile,
  { count, distances, positions }: BlockNearest,
  { block, rowIds }: LocatedBlock,
  scorer: Scorer,
  dimension: number,
): Promise<void> {
  let vectors: Float32Array | undefined;
  for (let i = 0; i < tile.count; i++) {
    const query = tile.query(i);
    const from = i * count;
    const last = from + count - 1;
    // Equal distances at the end of the list: more of them may have been cut off, and ids decide which belong.
    const cut =
      count < block.rows && distances[last] === distances[last - 1] && distances[last]! <= nearest.limit(query);
    const until = cut ? startOfRun(distances, from, last) : from + count;
    for (let at = from; at < until; at++) {
      if (distances[at]! > nearest.limit(query) || positions[at]! >= block.rows) break;
      nearest.offer(query, distances[at]!, rowIds[positions[at]!]!);
    }
    if (!cut) continue;
    vectors ??= tile.vectors();
    const all = await scorer.distances(vectors.subarray(i * dimension, (i + 1) * dimension), block);
    const tied = distances[last]!;
    for (let row = 0; row < block.rows; row++) if (all[row] === tied) nearest.offer(query, tied, rowIds[row]!);
  }
}

/** Where the run of values equal to the last one begins. */
function startOfRun(distances: Float32Array, from: number, last: number): number {
  let at = last;
  while (at > from && distances[at - 1] === distances[last]) at--;
  return at;
}
