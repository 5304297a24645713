import { availableParallelism } from 'node:os';
import type { Progress } from '../../app/progress.ts';
import type { OpenBucket } from '../../bucket/open-bucket.ts';
import type { QuerySet } from '../queries/queries.ts';
import type { FoundRows } from './block-scorer.ts';
import { openBlocks, type ScoredSpan } from './block-source.ts';
import { scoringThreads } from './memory.ts';
import { NearestRows } from './nearest.ts';
import { type ScoreThreads, startScoreThreads } from './score-threads.ts';
import { settleTies } from './settle-ties.ts';
import { prepareSearch } from './shared-search.ts';

/**
 * The engine of `scan` and `exact`: reads spans of a table once, in order, and compares each with its queries in
 * threads, while the next rows are read.
 * @param spans ascending
 * @param threads ended afterwards
 * @returns the nearest rows of each query, by their true distances
 */
export async function scoreTable(
  bucket: OpenBucket,
  queries: QuerySet,
  spans: readonly ScoredSpan[],
  k: number,
  progress: Progress,
  threads: ScoreThreads = startThreads(bucket),
): Promise<NearestRows> {
  try {
    return await scoreBlocks(bucket, queries, spans, k, progress, threads);
  } finally {
    await threads.close();
  }
}

/** Threads for `scoreTable`: they take a while to start, in which other things can be done. */
export function startThreads({ entry }: OpenBucket): ScoreThreads {
  return startScoreThreads(scoringThreads(availableParallelism(), entry.rows));
}

async function scoreBlocks(
  bucket: OpenBucket,
  queries: QuerySet,
  spans: readonly ScoredSpan[],
  k: number,
  progress: Progress,
  threads: ScoreThreads,
): Promise<NearestRows> {
  const { entry } = bucket;
  const nearest = new NearestRows(queries.count, k);
  const mean = spans[0]?.chosen ? undefined : await commonVector(bucket);
  const { shared, scratches, rooms } = await prepareSearch(entry, queries, k, mean, threads.count);
  threads.begin(shared, entry.vectorType, scratches, rooms);
  const source = openBlocks(bucket, spans, rooms, threads.count);
  const running = new Set<Promise<void>>();
  let failure: unknown;
  try {
    for await (const { rows, count, chosen, rowIds, release } of source.blocks) {
      if (failure !== undefined) break;
      const offer = async (found: FoundRows) => {
        offerRows(found, rowIds, nearest, shared.limits);
        await settleTies(bucket.table, nearest);
      };
      const scored = threads
        .score(rows, chosen, offer)
        .then(
          () => progress.add(count),
          (error: unknown) => {
            failure ??= error;
          },
        )
        .finally(() => {
          running.delete(scored);
          release();
        });
      running.add(scored);
    }
    await Promise.all(running);
  } finally {
    await source.close();
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
