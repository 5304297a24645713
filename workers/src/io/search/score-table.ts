import { availableParallelism } from 'node:os';
import { scoringThreads } from '../../core/search/memory.ts';
import { NearestRows } from '../../core/search/nearest.ts';
import type { Progress } from '../progress.ts';
import { readAhead } from '../read-ahead.ts';
import type { FoundRows } from './block-scorer.ts';
import type { OpenBucket } from './open-bucket.ts';
import type { QuerySet } from './queries.ts';
import { openRowSource, type RowSpan } from './row-source.ts';
import { startScoreThreads } from './score-threads.ts';
import { settleTies } from './settle-ties.ts';
import { prepareSearch } from './shared-search.ts';

/** A span of rows and the queries to compare with them; all where not given. */
export interface ScoredSpan extends RowSpan {
  queries?: Int32Array;
}

/**
 * The engine of `scan` and `exact`: reads spans of a table once, in order, and compares each with its queries in
 * threads, while the next rows are read.
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
  const nearest = new NearestRows(queries.count, k);
  const threadCount = scoringThreads(availableParallelism(), entry.rows);
  const { shared, scratches, rooms } = await prepareSearch(entry, queries, k, await commonVector(bucket), threadCount);
  const source = openRowSource(bucket, rooms);
  const threads = startScoreThreads(shared, scratches);
  const running = new Set<Promise<void>>();
  let failure: unknown;
  try {
    for await (const located of readAhead(source.blocks(spans))) {
      if (failure !== undefined) break;
      const { vectors, span, rowIds } = located;
      const offer = async (found: FoundRows) => {
        offerRows(found, rowIds, nearest, shared.limits);
        await settleTies(bucket.table, nearest);
      };
      const scored = threads
        .score(vectors, span.queries, offer)
        .then(
          () => progress.add(vectors.length / entry.dimension),
          (error: unknown) => {
            failure ??= error;
          },
        )
        .finally(() => {
          running.delete(scored);
          located.release();
        });
      running.add(scored);
    }
    await Promise.all(running);
  } finally {
    await source.close();
    await threads.close();
  }
  if (failure !== undefined) throw failure;
  return nearest;
}

/** Offers rows of a block to their queries, and tells the threads the new limits. */
function offerRows(
  { queries, rows, distances }: FoundRows,
  rowIds: Float64Array,
  nearest: NearestRows,
  limits: Float32Array,
): void {
  for (let i = 0; i < queries.length; i++) {
    const query = queries[i]!;
    nearest.offer(query, distances[i]!, rowIds[rows[i]!]!);
    limits[query] = nearest.limit(query);
  }
}

/** The mean of the centroids: what all rows have in common says nothing of which are near, but takes up codes. */
async function commonVector(bucket: OpenBucket): Promise<Float32Array> {
  const mean = new Float32Array(bucket.entry.dimension);
  if (!bucket.entry.partitions) return mean;
  const { centroids } = await bucket.partitions();
  for (let i = 0; i < centroids.vectors.length; i++) mean[i % mean.length]! += centroids.vectors[i]! / centroids.count;
  return mean;
}
