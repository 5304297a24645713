import type { CatalogEntry } from '../../core/catalog.ts';
import type { Metric } from '../../core/metric.ts';
import { NearestRows } from '../../core/search/nearest.ts';
import { productError, squaredLength, trueDistance } from '../../core/search/true-distance.ts';
import type { Progress } from '../progress.ts';
import { readAhead } from '../read-ahead.ts';
import type { OpenBucket } from './open-bucket.ts';
import type { QuerySet } from './queries.ts';
import { type LocatedBlock, openRowSource, type RowSpan } from './row-source.ts';
import { type BlockNearest, createScorer, type Scorer } from './scorer.ts';
import { settleTies } from './settle-ties.ts';

/** Rows scored at once, and queries of one product: 16 MB of distances. */
const BLOCK_ROWS = 4096;
const TILE_QUERIES = 1024;
/** Rows that a product gives beyond k. */
const SPARE_ROWS = 4;
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
 * @returns the nearest rows of each query, by their true distances
 */
export async function scoreTable(
  bucket: OpenBucket,
  queries: QuerySet,
  spans: Iterable<ScoredSpan>,
  k: number,
  progress: Progress,
): Promise<NearestRows> {
  const { entry } = bucket;
  const { dimension, metric } = entry;
  const nearest = new NearestRows(queries.count, k);
  const squares = Float64Array.from({ length: queries.count }, (_, query) =>
    squaredLength(queries.vectors, query * dimension, dimension),
  );
  const scorer = await createScorer(dimension, metric);
  const room = new Float32Array(TILE_QUERIES * dimension);
  const collector = new Collector(queries, squares, scorer, entry);
  const source = openRowSource(bucket, BLOCK_ROWS, BUFFERS);
  try {
    for await (const located of readAhead(source.blocks(spans))) {
      for (const tile of queryTiles(queries, located.span.queries, dimension, room)) {
        // Some more than k show that no row was cut off that might belong.
        const found = await scorer.nearest(tile.vectors(), located.block, k + SPARE_ROWS);
        await collector.collect(nearest, tile, found, located);
        await settleTies(bucket.table, nearest);
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

/** @param room for the vectors of one tile: each is used before the next is made */
function* queryTiles(
  { vectors }: QuerySet,
  chosen: Int32Array | undefined,
  dimension: number,
  room: Float32Array,
): Generator<QueryTile> {
  const total = chosen?.length ?? vectors.length / dimension;
  for (let first = 0; first < total; first += TILE_QUERIES) {
    const count = Math.min(TILE_QUERIES, total - first);
    yield chosen
      ? {
          count,
          query: (i) => chosen[first + i]!,
          vectors: () => gatherVectors(vectors, chosen.subarray(first, first + count), dimension, room),
        }
      : {
          count,
          query: (i) => first + i,
          vectors: () => vectors.subarray(first * dimension, (first + count) * dimension),
        };
  }
}

function gatherVectors(vectors: Float32Array, chosen: Int32Array, dimension: number, room: Float32Array): Float32Array {
  const gathered = room.subarray(0, chosen.length * dimension);
  for (let i = 0; i < chosen.length; i++)
    gathered.set(vectors.subarray(chosen[i]! * dimension, (chosen[i]! + 1) * dimension), i * dimension);
  return gathered;
}

/**
 * Offers rows to queries by their true distances. The matrix product only tells which rows might belong: those that are
 * not farther than the k-th so far by more than its error.
 */
class Collector {
  readonly #vectors: Float32Array;
  readonly #squares: Float64Array;
  readonly #scorer: Scorer;
  readonly #metric: Metric;
  readonly #dimension: number;

  constructor(
    queries: QuerySet,
    squares: Float64Array,
    scorer: Scorer,
    entry: Pick<CatalogEntry, 'metric' | 'dimension'>,
  ) {
    this.#vectors = queries.vectors;
    this.#squares = squares;
    this.#scorer = scorer;
    this.#metric = entry.metric;
    this.#dimension = entry.dimension;
  }

  /** Offers a block's nearest rows to each query of a tile. */
  async collect(nearest: NearestRows, tile: QueryTile, found: BlockNearest, located: LocatedBlock): Promise<void> {
    const { count, distances, positions, longestSquare } = found;
    const { rows } = located.block;
    for (let i = 0; i < tile.count; i++) {
      const query = tile.query(i);
      const shift = this.#shift(query, longestSquare);
      const end = (i + 1) * count;
      let at = end - count;
      for (; at < end && positions[at]! < rows && distances[at]! + shift <= nearest.limit(query); at++)
        this.#offer(nearest, query, located, positions[at]!);
      if (at < end || count >= rows) continue;
      const all = await this.#scorer.distances(this.#queryVector(query), located.block);
      const offered = new Set(positions.subarray(end - count, end));
      for (let row = 0; row < rows; row++)
        if (all[row]! + shift <= nearest.limit(query) && !offered.has(row)) this.#offer(nearest, query, located, row);
    }
  }

  /** What makes of a product's distance the least that the true one can be. */
  #shift(query: number, longestSquare: number): number {
    const square = this.#squares[query]!;
    const error = productError(this.#metric, this.#dimension, square, longestSquare);
    return (this.#metric === 'l2' ? square : 0) - error;
  }

  #offer(nearest: NearestRows, query: number, { block, rowIds }: LocatedBlock, row: number): void {
    const dimension = this.#dimension;
    const distance = trueDistance(
      this.#metric,
      dimension,
      this.#vectors,
      query * dimension,
      this.#squares[query]!,
      block.vectors,
      row * dimension,
    );
    nearest.offer(query, distance, rowIds[row]!);
  }

  #queryVector(query: number): Float32Array {
    return this.#vectors.subarray(query * this.#dimension, (query + 1) * this.#dimension);
  }
}
