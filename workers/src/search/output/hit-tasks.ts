import { concatenateFloats } from '../../base/bytes/concatenate-floats.ts';
import { concatenateColumns, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import type { RowBits } from '../../bucket/row-bits.ts';
import { chanceOfDistance, type QueryChances } from '../../vectors/significance/query-chances.ts';
import { NearestHeaps, type NearestMemory } from '../engine/nearest-heaps.ts';
import type { HitFilter } from '../search-request.ts';
import { rankRows, type SharedTexts, sharedText } from './rank-rows.ts';
import { RowSet } from './row-set.ts';

/** The nearest rows of a search and its queries, in memory that threads share. */
export interface HitMemory {
  nearest: NearestMemory;
  rowSet: RowBits;
  queryIds: SharedTexts;
  /** For each query, the position of its vector in `nearest`. */
  vectorOf: Int32Array;
  /** Hits of each query. */
  hitCounts: Int32Array;
  /** Position of the query's own row among its ranked rows; -1 where it is not there. */
  ownRanks: Int32Array;
  filter: HitFilter;
  /** By the position of the vector, where the bucket has a null distribution. */
  chances: QueryChances | undefined;
  bucket: string;
  /** Of the file. */
  metadata: Record<string, string>;
}

/** Vectors and the rows that tie with their farthest; ties of the i-th end at `tieEnds[i]`. */
export interface VectorSlice {
  vectors: Int32Array;
  tieEnds: Int32Array;
  tieRows: Float64Array;
}

/** Hits as columns. */
export interface HitPart {
  queryIds: Utf8Column;
  targetIds: Utf8Column;
  distances: Float32Array;
  pValues?: Float32Array | undefined;
}

/** A range of hits: `offset` is the position of the first among those of the query. */
export interface HitRange {
  query: number;
  offset: number;
  count: number;
}

/** Ranks the nearest rows that threads have found, and gathers hits for a file: each thread for some of the queries. */
export class HitTasks {
  readonly #memory: HitMemory;
  readonly #heaps: NearestHeaps;
  readonly #rows: RowSet;

  constructor(memory: HitMemory) {
    this.#memory = memory;
    this.#heaps = new NearestHeaps(memory.nearest);
    this.#rows = new RowSet(memory.rowSet);
  }

  /** Adds all rows of vectors to the set of rows whose ids are needed. */
  markRows({ vectors, tieRows }: VectorSlice): void {
    for (const vector of vectors) {
      const { rows } = this.#heaps.kept(vector);
      for (let i = 0; i < rows.length; i++) this.#rows.add(rows[i]!);
    }
    for (const row of tieRows) this.#rows.add(row);
  }

  /** Sorts the rows of vectors in place, nearest first, and drops those beyond the largest distance. @param ids of the set's rows */
  rankVectors({ vectors, tieEnds, tieRows }: VectorSlice, ids: SharedTexts): void {
    const { k, sizes } = this.#memory.nearest;
    const { maxDistance } = this.#memory.filter;
    for (const [i, vector] of vectors.entries()) {
      const kept = this.#heaps.kept(vector);
      const ties = tieRows.subarray(i === 0 ? 0 : tieEnds[i - 1]!, tieEnds[i]!);
      const limit = ties.length > 0 ? this.#heaps.limit(vector) : 0;
      const distances = Float32Array.from(kept.distances);
      const rows = Float64Array.from(kept.rows);
      const [allDistances, allRows] =
        ties.length === 0
          ? [distances, rows]
          : [Float32Array.from([...distances, ...ties.map(() => limit)]), Float64Array.from([...rows, ...ties])];
      const ranked = rankRows(allDistances, allRows.length, k, (at) => sharedText(ids, this.#rows.place(allRows[at]!)));
      let within = 0;
      for (const [rank, at] of ranked.entries()) {
        kept.distances[rank] = allDistances[at]!;
        kept.rows[rank] = allRows[at]!;
        if (allDistances[at]! <= maxDistance) within = rank + 1;
      }
      sizes[vector] = within;
    }
  }

  /** Counts the hits of queries [first, end) whose vectors are ranked. @param ids of the set's rows */
  countHits(first: number, end: number, ids: SharedTexts): void {
    const { vectorOf, hitCounts, ownRanks, queryIds, filter } = this.#memory;
    for (let query = first; query < end; query++) {
      const { rows } = this.#heaps.kept(vectorOf[query]!);
      const own = filter.excludeSelf ? this.#findOwnRank(sharedText(queryIds, query), rows, ids) : -1;
      ownRanks[query] = own;
      hitCounts[query] = Math.min(filter.k, rows.length - (own >= 0 ? 1 : 0));
    }
  }

  /** Gathers a range of hits. @param ids of the set's rows */
  gather({ query: firstQuery, offset, count }: HitRange, ids: SharedTexts): HitPart {
    const { vectorOf, hitCounts, ownRanks, queryIds, chances } = this.#memory;
    const distances = new Float32Array(count);
    const pValues = chances && new Float32Array(count);
    const queryOf = new Int32Array(count);
    const idOf = new Int32Array(count);
    let at = 0;
    for (let query = firstQuery; at < count; query++) {
      const kept = this.#heaps.kept(vectorOf[query]!);
      const own = ownRanks[query]!;
      for (let hit = query === firstQuery ? offset : 0; hit < hitCounts[query]! && at < count; hit++, at++) {
        const rank = own >= 0 && hit >= own ? hit + 1 : hit;
        distances[at] = kept.distances[rank]!;
        if (pValues) pValues[at] = chanceOfDistance(chances, vectorOf[query]!, distances[at]!);
        queryOf[at] = query;
        idOf[at] = this.#rows.place(kept.rows[rank]!);
      }
    }
    return { queryIds: selectTexts(queryIds, queryOf), targetIds: selectTexts(ids, idOf), distances, pValues };
  }

  #findOwnRank(id: Uint8Array, rows: Float64Array, ids: SharedTexts): number {
    for (let rank = 0; rank < rows.length; rank++)
      if (Buffer.compare(sharedText(ids, this.#rows.place(rows[rank]!)), id) === 0) return rank;
    return -1;
  }
}

/** Returns hits end to end. */
export function joinParts(a: HitPart, b: HitPart): HitPart {
  return {
    queryIds: concatenateColumns([a.queryIds, b.queryIds]),
    targetIds: concatenateColumns([a.targetIds, b.targetIds]),
    distances: concatenateFloats([a.distances, b.distances]),
    pValues: a.pValues && b.pValues && concatenateFloats([a.pValues, b.pValues]),
  };
}

/** Copies texts into a column. */
function selectTexts({ offsets, bytes }: SharedTexts, positions: Int32Array): Utf8Column {
  const ends = new Int32Array(positions.length + 1);
  for (let i = 0; i < positions.length; i++)
    ends[i + 1] = ends[i]! + offsets[positions[i]! + 1]! - offsets[positions[i]!]!;
  const selected = new Uint8Array(ends[positions.length]!);
  for (let i = 0; i < positions.length; i++) {
    const start = offsets[positions[i]!]!;
    const length = ends[i + 1]! - ends[i]!;
    const to = ends[i]!;
    // A loop beats set(subarray()) on texts as short as ids.
    if (length < 64) for (let j = 0; j < length; j++) selected[to + j] = bytes[start + j]!;
    else selected.set(bytes.subarray(start, start + length), to);
  }
  return { offsets: ends, bytes: selected };
}
