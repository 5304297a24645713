import type { CommandContext } from '../app/command.ts';
import { UsageError } from '../base/errors.ts';
import { withScratch } from '../base/files/scratch.ts';
import { type CatalogEntry, storedRows } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { MergedRecall } from '../merge/merged-recall.ts';
import { AnswerMerge } from '../search/in-place/merge-answers.ts';
import { sampleSize } from '../search/plan/sample-size.ts';
import { openQueries } from '../search/queries/queries.ts';
import type { HitFilter } from '../search/search-request.ts';
import { withBucket } from './chosen-buckets.ts';
import { type BucketPoint, evaluateBucket, pointWork } from './evaluate-bucket.ts';
import { EVALUATE_MESSAGES } from './evaluate-messages.ts';
import {
  type Evaluation,
  type EvaluationPoint,
  measurementOf,
  type PointSettings,
  recommendedPoint,
} from './evaluation.ts';
import { type GridLists, gridPoints, partitionsFor } from './grid.ts';
import { sampleRows } from './sample-rows.ts';

/** Hits of all points that are kept in memory, about 60 bytes each; and most of them for the least sample. */
const MOST_HITS = 4_000_000;
const MOST_HITS_OF_LEAST = 5 * MOST_HITS;
const LEAST_SAMPLED = 20;
/** Of a query set, the recall of more queries is hardly more certain. */
const MOST_QUERIES = 1000;

export interface EvaluationRequest extends GridLists {
  k: number;
  /** Query sets; undefined: rows of the database are the queries. */
  queries?: readonly string[] | undefined;
  /** Queries to draw. */
  sample?: number | undefined;
  excludeSelf: boolean;
  targetRecall: number;
  /** Reads buckets on S3 in place. */
  stream: boolean;
  /** Parent of scratch folders. */
  scratch: string;
}

/**
 * Measures the recall@k of a database, and the time and the bytes that it takes, over a grid of strategies and settings. The answers of all
 * buckets are merged as `merge-hits` merges them. Memory grows with queries, k and points, not with rows or buckets.
 * @param entries of the buckets, see `chosenEntries`
 */
export async function evaluateDatabase(
  database: Database,
  entries: readonly CatalogEntry[],
  request: EvaluationRequest,
  context: CommandContext,
): Promise<Evaluation> {
  const points = gridPoints(request, entries);
  const size = sizeOf(request, points.length, entries);
  return withScratch(request.scratch, 'evaluate', async (scratch) => {
    const paths = request.queries ?? [await sampleRows(database, entries, size, scratch)];
    // Wrong queries are refused before a table is fetched. All buckets are of one kind.
    const queries = await readSample(paths, entries[0]!, size);
    const filter = {
      k: request.k,
      excludeSelf: request.excludeSelf || request.queries === undefined,
      maxDistance: Number.POSITIVE_INFINITY,
    };
    const total = entries.reduce((sum, entry) => sum + workOn(entry, points), 0);
    const bar = context.progress('evaluating', total, 'vectors');
    const measured = points.map(() => ({ seconds: 0, bytesRead: 0, bytesFetched: 0 }));
    const merges = points.map(() => new AnswerMerge(request.k, { mostRows: 2 * size * request.k }));
    const truth = new AnswerMerge(request.k, { mostRows: 2 * size * request.k });
    try {
      for (const entry of entries)
        await withBucket(database, entry, request.stream, context, async (bucket) => {
          const add = (i: number, found: BucketPoint) => {
            merges[i]!.add(entry.bucket, found.hits, entry.rows);
            for (const figure of ['seconds', 'bytesRead', 'bytesFetched'] as const)
              measured[i]![figure] += found[figure];
            if (points[i]!.strategy !== 'exact') bar.add(workOf(entry, points[i]!));
          };
          const exact = await evaluateBucket(bucket, queries, points, filter, bar, add);
          truth.add(entry.bucket, exact, entry.rows);
        });
    } finally {
      bar.stop();
    }
    const recalls = recallsOf(truth, merges);
    const found = points.map((point, i): EvaluationPoint => {
      const { seconds, ...bytes } = measured[i]!;
      return { ...point, recall: recalls(i), secondsPerQuery: seconds / queries.count, ...bytes };
    });
    return evaluationOf(database, entries, request, filter, queries.count, found);
  });
}

/** Returns how many queries are drawn. @throws UsageError where their hits do not fit the memory */
function sizeOf(
  { k, queries, sample }: EvaluationRequest,
  pointCount: number,
  entries: readonly CatalogEntry[],
): number {
  const rows = entries.reduce((sum, entry) => sum + entry.rows, 0);
  const hitsOfQuery = Math.min(k, rows) * (pointCount + 1);
  const usual = Math.min(queries ? MOST_QUERIES : sampleSize(k), Math.floor(MOST_HITS / hitsOfQuery));
  const size = sample ?? Math.max(LEAST_SAMPLED, usual);
  const most = size <= LEAST_SAMPLED ? MOST_HITS_OF_LEAST : MOST_HITS;
  if (size * hitsOfQuery > most) throw new UsageError(EVALUATE_MESSAGES.tooMany(size, k, pointCount, most));
  return size;
}

function workOf(entry: CatalogEntry, point: PointSettings): number {
  return pointWork(storedRows(entry), point, partitionsFor(point.strategy, entry));
}

/** Work of the ground truth and of all points but `exact`. */
function workOn(entry: CatalogEntry, points: readonly PointSettings[]): number {
  const others = points.filter(({ strategy }) => strategy !== 'exact');
  return others.reduce((sum, point) => sum + workOf(entry, point), storedRows(entry));
}

/** Reads the queries: the same ones for every bucket. */
async function readSample(paths: readonly string[], entry: CatalogEntry, size: number) {
  const queries = await openQueries(paths, entry);
  try {
    return await queries.evaluationSample(size, 0);
  } finally {
    queries.close();
  }
}

/** Returns the recall of each point. */
function recallsOf(truth: AnswerMerge, merges: readonly AnswerMerge[]) {
  const groundTruth = [...truth.neighbours()];
  return (point: number) => {
    const recall = new MergedRecall();
    for (const batch of groundTruth) recall.addGroundTruth(batch);
    for (const batch of merges[point]!.neighbours()) recall.addFound(batch);
    // A query without any true neighbour, as in a database of one row, misses none.
    return recall.estimate() ?? { mean: 1, low: 1, high: 1, queries: 1 };
  };
}

function evaluationOf(
  database: Database,
  entries: readonly CatalogEntry[],
  { k, targetRecall }: EvaluationRequest,
  { excludeSelf }: HitFilter,
  queries: number,
  points: EvaluationPoint[],
): Evaluation {
  const judged = points.map((point) =>
    // Its answers are the ground truth, whatever queries are drawn.
    point.strategy === 'exact' ? { ...point, recall: { ...point.recall, low: 1 } } : point,
  );
  return {
    ...measurementOf(database, entries, k),
    queries,
    excludesSelf: excludeSelf,
    targetRecall,
    points: judged,
    recommended: recommendedPoint(judged, targetRecall),
  };
}
