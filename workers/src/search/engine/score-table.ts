import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Progress } from '../../app/progress.ts';
import { sharedCopy } from '../../base/bytes/shared-array.ts';
import { readAhead } from '../../base/concurrency/read-ahead.ts';
import { ThreadPool, withStartedPool } from '../../base/threads/thread-pool.ts';
import { LANES } from '../../base/wasm/simd.ts';
import type { RowSpan } from '../../bucket/fragment-blocks.ts';
import type { OpenBucket } from '../../bucket/open-bucket.ts';
import { openRowSource } from '../../bucket/row-source.ts';
import type { CatalogEntry, FragmentFile } from '../../database/catalog/catalog-entry.ts';
import type { QuerySet } from '../queries/queries.ts';
import { type ScoredSpan, scheduleBlocks, scoredRows } from './block-schedule.ts';
import { scoringThreads } from './memory.ts';
import { NearestRows, type RowTies } from './nearest.ts';
import type { ScoreMethods } from './score-worker.ts';
import { settleTies } from './settle-ties.ts';
import { prepareScan, prepareSearch } from './shared-search.ts';

/** Threads that compare rows with queries. */
export type ScoreThreads = ThreadPool<ScoreMethods>;

const PROGRESS_MS = 250;
/** Stretches of skipped rows up to this length are read: reading on takes less time than beginning anew. */
const LONGEST_SKIPPED = 4096;

/** Returns the thread that encodes hits which fill no row group: often all of them. It loads the encoder in time. */
export function encodingThread({ threads }: ScoreThreads): ScoreThreads['threads'][number] {
  return threads.at(-1)!;
}

type ScoredEntry = Pick<CatalogEntry, 'rows' | 'dimension'>;

/**
 * Starts threads for `scoreTable` ahead of their use. Meanwhile they load what they need, so a search with few queries does not wait for it.
 * @param writesHits whether they also write hits
 */
export function startScoreThreads({ rows, dimension }: ScoredEntry, writesHits: boolean): ScoreThreads {
  const pool = new ThreadPool<ScoreMethods>(new URL('./score-worker.ts', import.meta.url), {
    name: 'score',
    count: scoringThreads(availableParallelism(), rows),
    runsNativeCode: true,
    // One block that a thread compares, and one that waits for it.
    requestsPerThread: 2,
  });
  const ignore = () => {}; // the search fails with the thread
  if (dimension % LANES === 0) for (const thread of pool.threads) thread.call('loadProducts', dimension).catch(ignore);
  if (writesHits) encodingThread(pool).call('loadEncoder', undefined).catch(ignore);
  return pool;
}

/** Runs `use` with threads for `scoreTable`, which end with it. @param started default: threads started now, which write hits */
export function withScoreThreads<T>(
  entry: ScoredEntry,
  use: (threads: ScoreThreads) => Promise<T>,
  started: ScoreThreads = startScoreThreads(entry, true),
): Promise<T> {
  return withStartedPool(started, use);
}

/**
 * The engine of `scan` and `exact`: reads spans of a table once, in order, and compares each with its queries in threads.
 * @param spans ascending
 * @param threads default: threads started for this search
 * @returns the nearest rows of each query, by their true distances
 */
export async function scoreTable(
  bucket: OpenBucket,
  queries: Queries,
  spans: readonly ScoredSpan[],
  k: number,
  progress: Progress,
  threads?: ScoreThreads,
): Promise<NearestRows> {
  if (!threads) {
    const score = (own: ScoreThreads) => scoreTable(bucket, queries, spans, k, progress, own);
    return withScoreThreads(bucket.entry, score, startScoreThreads(bucket.entry, false));
  }
  const { entry, database, deleted } = bucket;
  const read = deleted ? [...deleted.withoutStretches(spans, LONGEST_SKIPPED)] : spans;
  progress.add(rowsOf(spans) - rowsOf(read));
  const nearest = new NearestRows(queries.count, k);
  const blockBuffers = spans[0]?.chosen
    ? await beginScan(bucket, queries, nearest, threads)
    : await beginExact(bucket, queries, nearest, threads);
  // One at a time: two that overlap would each put the first rows that it knows of into the heaps.
  let settled: Promise<void> = Promise.resolve();
  const onEvent = (ties: RowTies) => {
    nearest.addTies(ties);
    settled = settled.then(() => settleTies(bucket.table, nearest));
    return settled;
  };
  const { folder } = database.tables;
  if (entry.fragments && folder !== undefined)
    await scoreFiles(bucket, entry.fragments, folder, read, blockBuffers, progress, threads, onEvent);
  else await scoreStreamed(bucket, read, blockBuffers, progress, threads, onEvent);
  return nearest;
}

function rowsOf(spans: readonly RowSpan[]): number {
  return spans.reduce((sum, { first, end }) => sum + end - first, 0);
}

type Queries = Pick<QuerySet, 'count' | 'vectors'>;

/** Lays out a scan, whose queries the threads load. @returns buffers for blocks */
async function beginScan(
  { entry, deleted }: OpenBucket,
  queries: Queries,
  nearest: NearestRows,
  threads: ScoreThreads,
) {
  const { count } = queries;
  const threadCount = threads.threads.length;
  const { shared, scratchAddresses, blockBuffers } = prepareScan(entry, count, nearest.k, threadCount);
  const vectors =
    queries.vectors.buffer instanceof SharedArrayBuffer ? queries.vectors : sharedCopy(queries.vectors, Float32Array);
  const edge = (thread: number) => Math.floor((thread * count) / threadCount);
  await threads.runInEach('begin', (thread) => ({
    ...{ shared, nearest: nearest.memory, scratch: scratchAddresses[thread]!, deleted: deleted?.bits },
    load: { vectors, first: edge(thread), end: edge(thread + 1) },
  }));
  return blockBuffers;
}

/** Lays out an exact search. @returns buffers for blocks */
async function beginExact(bucket: OpenBucket, queries: Queries, nearest: NearestRows, threads: ScoreThreads) {
  const mean = await meanOfCentroids(bucket);
  const { shared, scratchAddresses, blockBuffers } = await prepareSearch(
    bucket.entry,
    queries,
    nearest.k,
    mean,
    threads.threads.length,
    () => threads.threads[0]!.call('loadProducts', bucket.entry.dimension),
  );
  await threads.runInEach('begin', (thread) => ({
    ...{ shared, nearest: nearest.memory, scratch: scratchAddresses[thread]!, deleted: bucket.deleted?.bits },
  }));
  return blockBuffers;
}

type OnTies = (ties: RowTies) => Promise<void>;

/** Threads read the rows of files on this machine themselves: they are then in the cache of the core that compares them. */
async function scoreFiles(
  { entry }: OpenBucket,
  fragments: readonly FragmentFile[],
  folder: string,
  spans: readonly ScoredSpan[],
  blockBuffers: readonly Float32Array[],
  progress: Progress,
  threads: ScoreThreads,
  onEvent: OnTies,
): Promise<void> {
  const { bucket, dimension, vectorType } = entry;
  const schedule = scheduleBlocks(spans, fragments, dimension);
  const files = fragments.map(({ path, offset }) => ({ path: join(folder, `${bucket}.lance`, path), offset }));
  let reported = 0;
  const report = () => {
    const rows = scoredRows(schedule);
    progress.add(rows - reported);
    reported = rows;
  };
  const timer = setInterval(report, PROGRESS_MS);
  try {
    const runs = threads.threads.map((thread, i) =>
      thread.call('scoreFiles', { schedule, vectorType, files, buffer: blockBuffers[i]! }, { onEvent }),
    );
    await Promise.allSettled(runs);
    await Promise.all(runs);
    report();
  } finally {
    clearInterval(timer);
  }
}

/** Rows that come over the network, or through LanceDB, are read ahead of the threads. */
async function scoreStreamed(
  bucket: OpenBucket,
  spans: readonly ScoredSpan[],
  blockBuffers: readonly Float32Array[],
  progress: Progress,
  threads: ScoreThreads,
  onEvent: OnTies,
): Promise<void> {
  const source = openRowSource(bucket, blockBuffers);
  const running = new Set<Promise<void>>();
  let failure: unknown;
  try {
    for await (const { vectors, span, rowIds, release } of readAhead(source.blocks(spans))) {
      if (failure !== undefined) break;
      const { chosen } = span;
      // Of a view, the whole buffer behind it would be sent.
      const own = chosen && { queries: chosen.queries.slice(), centre: chosen.centre.slice() };
      const rows = vectors.length / bucket.entry.dimension;
      const scored = threads
        .run('scoreBlock', { vectors, rowIds: rowIds.slice(0, rows), chosen: own }, { onEvent })
        .then(
          () => progress.add(rows),
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
}

/** The mean of the centroids: it says nothing of which rows are near, but would take up codes. */
async function meanOfCentroids(bucket: OpenBucket): Promise<Float32Array> {
  const mean = new Float32Array(bucket.entry.dimension);
  if (!bucket.entry.partitions) return mean;
  const { centroids } = await bucket.partitions();
  for (let i = 0; i < centroids.vectors.length; i++) mean[i % mean.length]! += centroids.vectors[i]! / centroids.count;
  return mean;
}
