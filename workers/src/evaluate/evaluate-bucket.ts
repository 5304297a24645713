import type { CommandContext } from '../app/command.ts';
import type { Progress } from '../app/progress.ts';
import { sharedCopy } from '../base/bytes/shared-array.ts';
import type { OpenBucket } from '../bucket/open-bucket.ts';
import { searchAnn } from '../search/engine/ann.ts';
import { type ScoreThreads, startScoreThreads, withScoreThreads } from '../search/engine/score-table.ts';
import { HitSink } from '../search/output/hit-sink.ts';
import { type KeptHits, keepHits } from '../search/output/keep-hits.ts';
import { choosePlan } from '../search/plan/choose-plan.ts';
import type { SearchPlan } from '../search/plan/make-plan.ts';
import type { QuerySet } from '../search/queries/queries.ts';
import { searchIntoSink } from '../search/search-block.ts';
import { type HitFilter, searchK } from '../search/search-request.ts';
import { startStopwatch } from '../search/stopwatch.ts';
import { bytesFetched, bytesRead } from './bucket-bytes.ts';
import type { PointSettings } from './evaluation.ts';

/** Queries that load the index before it is timed. */
const WARM_UP_QUERIES = 4;
/** Searches up to this long are timed at their second run: the first also loads code and fills the cache of files. */
const REPEATED_SECONDS = 5;

/** Hits of one bucket, and what finding them took. */
export interface BucketPoint {
  hits: KeptHits;
  seconds: number;
  bytesRead: number;
  bytesFetched: number;
}

/** Work on one bucket: its rows times the share that each point compares. */
export function pointWork(rows: number, { strategy, nprobes = 1 }: PointSettings, partitionCount: number): number {
  return strategy === 'ann'
    ? Math.ceil((rows * Math.min(nprobes, partitionCount)) / Math.max(1, partitionCount))
    : rows;
}

/**
 * Searches a bucket once for each point of a grid. Where the bucket does not allow the strategy of a point, its answer is that of an
 * exact search, as in `search-bucket`. The ground truth is computed once, whether or not the grid has `exact`.
 * @param queries unit length under cosine
 * @param onPoint receives the hits of each point by its position, in any order
 * @returns the ground truth
 */
export async function evaluateBucket(
  bucket: OpenBucket,
  queries: QuerySet,
  points: readonly PointSettings[],
  filter: HitFilter,
  progress: Progress,
  onPoint: (point: number, found: BucketPoint) => void,
): Promise<KeptHits> {
  const { entry } = bucket;
  const k = Math.min(searchK(filter), Math.max(1, entry.rows));
  const plans = points.map((point) => planOf(bucket, queries.count, point, k));
  const evaluate = async (threads: ScoreThreads) => {
    const search = (plan: SearchPlan, counted: Progress) => timed(bucket, queries, plan, k, filter, threads, counted);
    const exact: SearchPlan = { strategy: 'exact', nprobes: 1, refineFactor: 0 };
    let truth = await search(exact, progress);
    if (truth.seconds < REPEATED_SECONDS) {
      truth = { ...truth, seconds: (await search(exact, SILENT)).seconds };
      const scan = plans.find(({ strategy }) => strategy === 'scan');
      if (scan) await search(scan, SILENT);
    }
    const ann = plans.find(({ strategy }) => strategy === 'ann');
    if (ann) await warmUp(bucket, queries, ann, k);
    for (const [i, plan] of plans.entries()) {
      const isExact = plan.strategy === 'exact';
      const { hits, seconds } = isExact ? truth : await search(plan, SILENT);
      const read = await bytesRead(bucket, copyOf(queries), plan, k);
      onPoint(i, { hits, seconds, bytesRead: read, bytesFetched: bytesFetched(entry, plan, k) });
    }
    return truth.hits;
  };
  return withScoreThreads(entry, evaluate, startScoreThreads(entry, false));
}

function planOf({ entry }: OpenBucket, queryCount: number, point: PointSettings, k: number): SearchPlan {
  const { strategy: search, nprobes, refineFactor } = point;
  return choosePlan({ search, nprobes, refineFactor, k, targetRecall: undefined }, entry, queryCount, {}).plan;
}

const SILENT: Progress = { add() {}, stop() {} };

async function timed(
  bucket: OpenBucket,
  queries: QuerySet,
  plan: SearchPlan,
  k: number,
  filter: HitFilter,
  threads: ScoreThreads,
  progress: Progress,
): Promise<{ hits: KeptHits; seconds: number }> {
  // The search adds to the bar, which lives on.
  const counting: CommandContext = { progress: () => ({ add: progress.add, stop() {} }), log() {}, warn() {} };
  // A search changes the vectors of its queries.
  const own = copyOf(queries);
  const kept = keepHits(false);
  const sink = new HitSink(kept.writer, bucket.entry.bucket, filter);
  const stopwatch = startStopwatch();
  await searchIntoSink(bucket, own, plan, k, sink, counting, { hasPValues: false }, threads);
  await sink.flush();
  return { seconds: stopwatch(), hits: kept.hits() };
}

async function warmUp(bucket: OpenBucket, queries: QuerySet, plan: SearchPlan, k: number): Promise<void> {
  const { entry } = bucket;
  const { nprobes, refineFactor } = plan;
  const options = { ...entry, partitions: entry.index.partitions, k, nprobes, refineFactor };
  const { vectors, count } = copyOf(queries);
  await searchAnn(bucket, vectors, 0, Math.min(WARM_UP_QUERIES, count), options, SILENT);
}

/** Copies the vectors into memory that threads share. */
function copyOf(queries: QuerySet): QuerySet {
  return { ...queries, vectors: sharedCopy(queries.vectors, Float32Array) };
}
