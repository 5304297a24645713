import type { NeighbourSummary } from '../neighbours.ts';
import { queryCount, searchesOf } from '../outcome/stages.ts';
import type { WorkerReport } from '../outcome/worker-report.ts';
import { type Background, joinBackgrounds } from './background.ts';
import type { DroppedQueries } from './dropped-queries.ts';

/** Largest E-value of a significant neighbour, where --max_evalue does not name another. */
const SIGNIFICANT = 0.01;

/** Which queries have significant neighbours. */
export interface Significance {
  /** Largest E-value of a significant neighbour. */
  maxEvalue: number;
  /** All queries, also those without neighbours. */
  queries: number;
  /** Queries without a significant neighbour; undefined: the neighbours have no E-values. */
  insignificant: number | undefined;
  /** Queries that --max_evalue left without neighbours. */
  dropped: DroppedQueries | undefined;
  /** Distances of unrelated pairs; undefined: no bucket has any. */
  background: Background | undefined;
  /** Buckets without a null distribution, sorted. */
  unmeasured: string[];
  /** Whether distances are those of the index's codes, which have no E-values. */
  isOfCodes: boolean;
}

/** Returns the largest E-value of a significant neighbour: what merge-hits kept, or the usual one. */
export function significantEvalue(reports: readonly WorkerReport[]): number {
  return mergeOf(reports)?.maxEvalue ?? SIGNIFICANT;
}

/** Counts the queries without significant neighbours, and joins the backgrounds of the buckets. */
export function significanceOf(summary: NeighbourSummary, reports: readonly WorkerReport[]): Significance {
  const searches = searchesOf(reports);
  const dropped = mergeOf(reports)?.droppedQueries;
  const queries = Math.max(summary.queries + (dropped?.count ?? 0), queryCount(searches));
  // A bucket has several searches where the queries are divided.
  const buckets = [...new Map(searches.map((search) => [search.bucket ?? '', search])).values()];
  const measured = buckets.flatMap(({ background, bucketRows: rows = 0 }) =>
    background ? [{ background, rows }] : [],
  );
  const { significantQueries } = summary;
  return {
    maxEvalue: significantEvalue(reports),
    queries,
    insignificant: significantQueries === undefined ? undefined : queries - significantQueries,
    dropped,
    background: joinBackgrounds(measured),
    unmeasured: buckets.flatMap(({ background, bucket = '' }) => (background ? [] : [bucket])),
    isOfCodes: searches.some(({ refineFactor }) => refineFactor === 0),
  };
}

function mergeOf(reports: readonly WorkerReport[]): WorkerReport | undefined {
  return reports.find(({ command, maxEvalue }) => command === 'merge-hits' && maxEvalue !== undefined);
}
