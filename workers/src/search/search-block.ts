import type { CommandContext } from '../app/command.ts';
import type { OpenBucket } from '../bucket/open-bucket.ts';
import { lookupIds } from '../lance/ids/lookup-ids.ts';
import { type DistinctVectors, distinctVectors } from '../vectors/distinct.ts';
import { chanceOfDistance, measureBackgrounds, type QueryChances } from '../vectors/significance/query-chances.ts';
import { searchAnn } from './engine/ann.ts';
import { spansToScore } from './engine/probe.ts';
import type { AnnAnswer } from './engine/scan-vectors.ts';
import { type ScoreThreads, scoreTable, withScoreThreads } from './engine/score-table.ts';
import { HITS_PER_BATCH, type HitSink, type HitsOutput, withHitSink } from './output/hit-sink.ts';
import { type FoundRows, writeRankedHits } from './output/write-hits.ts';
import type { SearchPlan } from './plan/make-plan.ts';
import type { SearchStrategy } from './plan/strategies.ts';
import type { QuerySet } from './queries/queries.ts';

/** The result of writing a block. */
export interface WrittenBlock {
  hits: number;
  bytes: number;
  /** Queries that `ann` scanned, because they do not fit the type of the vectors. */
  scannedQueries: number;
}

/**
 * Searches a block of queries and writes their hits, in the order of the queries. A vector that several queries share is searched
 * once.
 * @param readQueries reads the block, whose vectors are changed
 * @param k rows to find for a query
 * @param threads started with `startScoreThreads`, which end with this call; default: threads of its own
 */
export async function searchBlock(
  bucket: OpenBucket,
  readQueries: () => Promise<QuerySet>,
  plan: SearchPlan,
  k: number,
  output: HitsOutput,
  context: CommandContext,
  threads?: ScoreThreads,
): Promise<WrittenBlock> {
  const read = async (): Promise<Work> => {
    const queries = await readQueries();
    const distinct = distinctVectors(queries.vectors, bucket.entry.dimension);
    return { bucket, hasPValues: output.hasPValues, queries, distinct, plan, k, context };
  };
  const { strategy } = plan;
  if (strategy === 'ann') {
    let scannedQueries = 0;
    const written = await withHitSink(output, bucket.entry.bucket, async (sink) => {
      scannedQueries = await searchIndex(await read(), sink);
    });
    return { ...written, scannedQueries };
  }
  // The threads start while the queries are read.
  const search = async (own: ScoreThreads) => searchRows(await read(), strategy, own, output);
  const written = await withScoreThreads(bucket.entry, search, threads);
  return { ...written, scannedQueries: 0 };
}

/**
 * Searches a block of queries, and adds their hits to a sink instead of a file: those that `searchBlock` writes.
 * @param queries whose vectors are changed
 * @param added whether hits get p-values and LanceDB's row ids
 * @param threads that compare rows, and live on; default: threads of its own
 * @returns queries that `ann` scanned
 */
export async function searchIntoSink(
  bucket: OpenBucket,
  queries: QuerySet,
  plan: SearchPlan,
  k: number,
  sink: HitSink,
  context: CommandContext,
  { hasPValues, hasRowIds = false }: AddedToHits,
  threads?: ScoreThreads,
): Promise<number> {
  const distinct = distinctVectors(queries.vectors, bucket.entry.dimension);
  if (plan.strategy === 'ann')
    return searchIndex({ bucket, hasPValues, hasRowIds, queries, distinct, plan, k, context }, sink);
  const spans = await spansToScore(bucket, distinct, plan.strategy, plan.nprobes, k, threads);
  const chances = await chancesOf({ bucket, hasPValues, distinct });
  const nearest = await scoreTable(bucket, distinct, spans, k, context.progress('', 0, ''), threads);
  await writeNearest(bucket, { queries, vectorOf: distinct.of, nearest, chances }, sink, hasRowIds);
  return 0;
}

/** What hits get. */
interface AddedToHits {
  hasPValues: boolean;
  hasRowIds?: boolean | undefined;
}

interface Work {
  bucket: OpenBucket;
  /** Whether hits get p-values. */
  hasPValues: boolean;
  /** Whether hits get LanceDB's row ids. */
  hasRowIds?: boolean | undefined;
  queries: QuerySet;
  distinct: DistinctVectors;
  plan: SearchPlan;
  /** Rows to find for a query. */
  k: number;
  context: CommandContext;
}

/** Searches by `scan` or `exact`. */
async function searchRows(
  { bucket, hasPValues, queries, distinct, plan, k, context }: Work,
  strategy: Exclude<SearchStrategy, 'ann'>,
  threads: ScoreThreads,
  output: HitsOutput,
): Promise<{ hits: number; bytes: number }> {
  const { bucket: name, fragments } = bucket.entry;
  const spans = await spansToScore(bucket, distinct, strategy, plan.nprobes, k, threads);
  const rows = spans.reduce((sum, { first, end }) => sum + end - first, 0);
  const bar = context.progress(`searching ${name}`, rows, 'vectors');
  // This thread computes them while the others score.
  const [nearest, chances] = await Promise.all([
    scoreTable(bucket, distinct, spans, k, bar, threads),
    chancesOf({ bucket, hasPValues, distinct }),
  ]).finally(() => bar.stop());
  const found = { queries, vectorOf: distinct.of, nearest, chances };
  if (fragments) return writeRankedHits(bucket, fragments, found, threads, output);
  return withHitSink(output, name, (sink) => writeNearest(bucket, found, sink));
}

/** Computes the chances of distances from each distinct vector, where hits get p-values. */
async function chancesOf({
  bucket,
  hasPValues,
  distinct: { vectors, count },
}: Pick<Work, 'bucket' | 'hasPValues' | 'distinct'>): Promise<QueryChances | undefined> {
  const { nullDistances, metric, dimension } = bucket.entry;
  if (!hasPValues || !nullDistances) return undefined;
  return measureBackgrounds(nullDistances, metric, vectors, dimension, count);
}

/** Returns the p-value of a distance from a distinct vector. */
function pValuesOf(chances: QueryChances | undefined, vector: number): ((distance: number) => number) | undefined {
  return chances && ((distance) => chanceOfDistance(chances, vector, distance));
}

/** Looks up the ids of the nearest rows and writes them. */
export async function writeNearest(
  { table }: OpenBucket,
  { queries, vectorOf: of, nearest, chances }: FoundRows,
  sink: HitSink,
  hasRowIds = false,
) {
  const perBatch = Math.max(1, Math.floor(HITS_PER_BATCH / nearest.k));
  for (let first = 0; first < queries.count; first += perBatch) {
    const candidates = Array.from({ length: Math.min(perBatch, queries.count - first) }, (_, i) => {
      const query = first + i;
      const { distances, rows, ties } = nearest.kept(of[query]!);
      const limit = nearest.limit(of[query]!);
      return { query, distances: [...distances, ...ties.map(() => limit)], rows: [...rows, ...ties] };
    });
    const { ids, rowIds, position } = await lookupIds(table, Float64Array.from(candidates.flatMap(({ rows }) => rows)));
    for (const { query, distances, rows } of candidates)
      await sink.add(
        queries.id(query),
        rows.map(position),
        distances,
        ids,
        pValuesOf(chances, of[query]!),
        hasRowIds ? rowIds : undefined,
      );
  }
}

/** Searches by `ann`. @returns queries that were scanned */
async function searchIndex(
  { bucket, hasPValues, hasRowIds, queries, distinct, plan, k, context }: Work,
  sink: HitSink,
): Promise<number> {
  const { entry } = bucket;
  const { of, vectors, count } = distinct;
  const { nprobes, refineFactor } = plan;
  const bar = context.progress(`searching ${entry.bucket}`, count, 'queries');
  const options = { ...entry, partitions: entry.index.partitions, k, nprobes, refineFactor, withRowIds: hasRowIds };
  const batchVectors = Math.max(16, Math.floor(HITS_PER_BATCH / k));
  const least = entry.metric === 'dot' ? Number.NEGATIVE_INFINITY : 0;
  // Answers are kept until the last query that has the vector.
  const lastQueryOf = new Int32Array(count);
  for (const [query, position] of of.entries()) lastQueryOf[position] = query;
  const chances = await chancesOf({ bucket, hasPValues, distinct });
  const answers = new Map<number, AnnAnswer>();
  let searched = 0;
  let scanned = 0;
  try {
    for (let query = 0; query < queries.count; query++) {
      const position = of[query]!;
      // Vectors are in the order in which queries first have them, so the next one is that of the next batch.
      if (position >= searched) {
        const batch = await searchAnn(
          bucket,
          vectors,
          searched,
          Math.min(batchVectors, count - searched),
          options,
          bar,
        );
        for (const answer of batch) answers.set(searched++, answer);
      }
      const { ids, distances, rowIds, isScanned } = answers.get(position)!;
      if (isScanned) scanned++;
      const targets = Array.from(distances, (_, row) => row);
      const lifted = distances.map((distance) => Math.max(least, distance));
      const chance = pValuesOf(chances, position);
      await sink.add(queries.id(query), targets, lifted, ids, chance, hasRowIds ? rowIds : undefined);
      if (lastQueryOf[position] === query) answers.delete(position);
    }
  } finally {
    bar.stop();
  }
  return scanned;
}
