import { compareText, copyText, type HitColumns, hitRows, sameText, type Texts, textBytes } from '../hits/columns.ts';
import { isSignificant, LISTED_QUERIES } from '../hits/evalues.ts';
import { type ExtraColumn, hasValue } from '../hits/extra-column.ts';
import { createHistogram, type Histogram } from './histogram.ts';
import { type RankQuantiles, scanRanks } from './rank-quantiles.ts';
import type { Facts } from './targets/target-facts.ts';

/** Statistics of the neighbours for the page. */
export interface NeighbourSummary {
  /** Whether these are neighbours over all buckets, not the hits of one, which have no ranks. */
  isRanked: boolean;
  /** Whether alignments rank them: the first neighbour, called nearest below, is then that of the best alignment. */
  isRankedByAlignment: boolean;
  rows: number;
  queries: number;
  /** Maximum neighbour count of a query. */
  k: number;
  /** Queries with fewer than k neighbours. */
  shortQueries: number;
  /** Queries with a neighbour of at most the scan's E-value; undefined: the neighbours have no E-values. */
  significantQueries?: number;
  /** Distances of each query's nearest neighbour, and of its last one. */
  nearest: Histogram;
  farthest: Histogram;
  /** Counts of neighbours and of nearest neighbours, by bucket. */
  buckets: Map<string, { neighbours: number; nearest: number }>;
  /** Smallest finite distance, or 0 if it is positive, and largest finite distance. */
  bounds: [min: number, max: number];
  ranks: RankQuantiles[];
  /** The first queries, with their nearest neighbour. */
  first: QuerySummary[];
  /** The queries whose nearest neighbour is the farthest, farthest first. */
  far: QuerySummary[];
  /** The first queries with their first neighbours. */
  examples: { query: string; neighbours: { target: string; distance: number; bucket: string; facts?: Facts }[] }[];
}

/** A query with its nearest neighbour. */
export interface QuerySummary {
  query: string;
  target: string;
  bucket: string;
  nearest: number;
  /** Distance of the last neighbour; undefined where --max_evalue dropped all. */
  last?: number | undefined;
  /** Smallest E-value, where the neighbours have E-values. */
  evalue?: number | undefined;
  neighbours: number;
}

const FAR_QUERIES = 20;
const EXAMPLE_QUERIES = 20;
const EXAMPLE_NEIGHBOURS = 10;

/** One pass over neighbours that are sorted by query and rank, in batches. */
export interface NeighbourScan {
  /** Adds a batch. @returns the first row that is out of order, counted from the start of the file; undefined if all are in order */
  add(batch: HitColumns): number | undefined;
  finish(): NeighbourSummary;
}

export interface ScanOptions {
  /** Whether the rows are neighbours, not hits. */
  isRanked?: boolean;
  /** Whether ranks follow alignments, not distances. */
  isRankedByAlignment?: boolean;
  /** Largest E-value of significant neighbours. The batches then have E-values as their extra column; undefined: they have none. */
  maxEvalue?: number | undefined;
}

/** Starts a pass over neighbours. Memory grows with the number of buckets, not with rows. */
export function scanNeighbours(options: ScanOptions = {}): NeighbourScan {
  const { isRanked = true, isRankedByAlignment = false, maxEvalue } = options;
  const summary: NeighbourSummary = {
    isRanked,
    isRankedByAlignment,
    rows: 0,
    queries: 0,
    k: 0,
    shortQueries: 0,
    ...(maxEvalue !== undefined && { significantQueries: 0 }),
    nearest: createHistogram(),
    farthest: createHistogram(),
    buckets: new Map(),
    bounds: [0, 0],
    ranks: [],
    first: [],
    far: [],
    examples: [],
  };
  const ranks = scanRanks();
  const lengths = new Map<number, number>();
  let query: Texts | undefined;
  let rank = 0;
  let last = 0;
  /** Smallest E-value of the query. */
  let least = Number.POSITIVE_INFINITY;
  /** The query that is read, where the page lists it. */
  let listed: QuerySummary | undefined;
  let bucketText: Texts | undefined;
  let bucket = { neighbours: 0, nearest: 0 };
  const endQuery = () => {
    if (rank === 0) return;
    summary.farthest.add(last);
    if (maxEvalue !== undefined && isSignificant(least, maxEvalue)) summary.significantQueries!++;
    if (listed) Object.assign(listed, { last, neighbours: rank, evalue: Number.isFinite(least) ? least : undefined });
    lengths.set(rank, (lengths.get(rank) ?? 0) + 1);
  };
  const bucketOf = (column: Texts, row: number) => {
    if (bucketText && sameText(bucketText, 0, column, row)) return bucket;
    const name = textOf(column, row);
    bucketText = copyText(column, row);
    bucket = summary.buckets.get(name) ?? { neighbours: 0, nearest: 0 };
    summary.buckets.set(name, bucket);
    return bucket;
  };
  return {
    add(batch) {
      for (let row = 0; row < hitRows(batch); row++) {
        const isSameQuery = query !== undefined && sameText(query, 0, batch.queryIds, row);
        if (!isSameQuery) {
          if (query && compareText(query, 0, batch.queryIds, row) > 0) return summary.rows;
          endQuery();
          query = copyText(batch.queryIds, row);
          rank = 0;
          least = Number.POSITIVE_INFINITY;
          summary.queries++;
        } else if (!isRankedByAlignment && batch.distances[row]! < last) return summary.rows;
        rank++;
        summary.rows++;
        last = batch.distances[row]!;
        if (last > summary.bounds[1] && last !== Number.POSITIVE_INFINITY) summary.bounds[1] = last;
        if (last < summary.bounds[0] && last !== Number.NEGATIVE_INFINITY) summary.bounds[0] = last;
        if (maxEvalue !== undefined) least = Math.min(least, evalueOf(batch, row));
        const counts = bucketOf(batch.buckets, row);
        counts.neighbours++;
        ranks.add(rank, last);
        if (rank === 1) {
          counts.nearest++;
          summary.nearest.add(last);
          listed = list(summary, batch, row);
        }
        if (summary.queries <= EXAMPLE_QUERIES && rank <= EXAMPLE_NEIGHBOURS) addExample(summary, batch, row, rank);
      }
      return undefined;
    },
    finish() {
      endQuery();
      summary.ranks = ranks.quantiles();
      summary.k = Math.max(0, ...lengths.keys());
      summary.shortQueries = summary.queries - (lengths.get(summary.k) ?? 0);
      return summary;
    },
  };
}

/** Lists the query of a nearest neighbour among the first ones, and among those with the farthest. @returns undefined if in neither */
function list({ queries, first, far }: NeighbourSummary, batch: HitColumns, row: number): QuerySummary | undefined {
  const nearest = batch.distances[row]!;
  const isFirst = queries <= LISTED_QUERIES;
  const isFar = far.length < FAR_QUERIES || nearest > far.at(-1)!.nearest;
  if (!isFirst && !isFar) return undefined;
  const query = {
    query: textOf(batch.queryIds, row),
    target: textOf(batch.targetIds, row),
    bucket: textOf(batch.buckets, row),
    nearest,
    last: nearest,
    neighbours: 1,
  };
  if (isFirst) first.push(query);
  if (isFar) {
    const at = far.findIndex((one) => one.nearest < nearest);
    far.splice(at < 0 ? far.length : at, 0, query);
    far.length = Math.min(far.length, FAR_QUERIES);
  }
  return query;
}

function addExample({ examples }: NeighbourSummary, batch: HitColumns, row: number, rank: number) {
  if (rank === 1) examples.push({ query: textOf(batch.queryIds, row), neighbours: [] });
  examples.at(-1)!.neighbours.push({
    target: textOf(batch.targetIds, row),
    distance: batch.distances[row]!,
    bucket: textOf(batch.buckets, row),
  });
}

/** Returns the E-value of a row; infinite where it has none. */
function evalueOf({ extra }: HitColumns, row: number): number {
  const column = extra![0]! as ExtraColumn & { values: Float32Array | Float64Array };
  return hasValue(column, row) ? column.values[row]! : Number.POSITIVE_INFINITY;
}

const decoder = new TextDecoder();
const textOf = (texts: Texts, row: number): string => decoder.decode(textBytes(texts, row));
