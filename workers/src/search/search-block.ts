import type { CommandContext } from '../app/command.ts';
import type { OpenBucket } from '../bucket/open-bucket.ts';
import { lookupIds } from '../lance/lookup-ids.ts';
import { type DistinctVectors, distinctVectors } from '../vectors/distinct.ts';
import { searchAnn } from './engine/ann.ts';
import type { NearestRows } from './engine/nearest.ts';
import { spansToScore } from './engine/probe.ts';
import type { AnnAnswer } from './engine/scan-vectors.ts';
import { scoreTable, startThreads } from './engine/score-table.ts';
import type { ScoreThreads } from './engine/score-threads.ts';
import { HITS_PER_BATCH, type HitSink } from './hit-sink.ts';
import type { SearchPlan } from './plan/make-plan.ts';
import type { SearchStrategy } from './plan/strategies.ts';
import type { QuerySet } from './queries/queries.ts';

/**
 * Searches a block of queries and hands what was found to the sink, in the order of the queries. A vector that several
 * queries have is searched once.
 * @param readQueries reads the block; its vectors are used up @param find rows to find for a query
 * @returns how many queries `ann` scanned, as the index would have rounded them too far
 */
export async function searchBlock(
  bucket: OpenBucket,
  readQueries: () => Promise<QuerySet>,
  plan: SearchPlan,
  find: number,
  sink: HitSink,
  context: CommandContext,
): Promise<number> {
  const { way } = plan;
  // They start while the queries are read.
  const threads = way === 'ann' ? undefined : startThreads(bucket);
  try {
    const queries = await readQueries();
    const work: Work = {
      ...{ bucket, queries, plan, find, sink, context },
      distinct: distinctVectors(queries.vectors, bucket.entry.dimension),
    };
    if (way === 'ann' || !threads) return await searchIndex(work);
    await searchRows(work, way, threads);
    return 0;
  } finally {
    await threads?.close();
  }
}

interface Work {
  bucket: OpenBucket;
  queries: QuerySet;
  distinct: DistinctVectors;
  plan: SearchPlan;
  find: number;
  sink: HitSink;
  context: CommandContext;
}

/** `scan` and `exact`. */
async function searchRows(work: Work, way: Exclude<SearchStrategy, 'ann'>, threads: ScoreThreads): Promise<void> {
  const { bucket, queries, distinct, plan, find, sink, context } = work;
  const { entry } = bucket;
  const asked = { ...queries, ...distinct };
  const spans = await spansToScore(bucket, asked, way, plan.nprobes, find);
  const rows = spans.reduce((sum, { first, end }) => sum + end - first, 0);
  const bar = context.progress(`searching ${entry.bucket}`, rows, 'vectors');
  const nearest = await scoreTable(bucket, asked, spans, find, bar, threads).finally(() => bar.stop());
  await writeNearest(bucket, queries, distinct.of, nearest, sink);
}

/** Looks up the ids of the nearest rows and writes them. @param of for each query, the position of its vector */
export async function writeNearest(
  { table }: OpenBucket,
  queries: QuerySet,
  of: Int32Array,
  nearest: NearestRows,
  sink: HitSink,
) {
  const perBatch = Math.max(1, Math.floor(HITS_PER_BATCH / nearest.k));
  for (let first = 0; first < queries.count; first += perBatch) {
    const candidates = Array.from({ length: Math.min(perBatch, queries.count - first) }, (_, i) => {
      const query = first + i;
      const { distances, rows, ties } = nearest.kept(of[query]!);
      const limit = nearest.limit(of[query]!);
      return { query, distances: [...distances, ...ties.map(() => limit)], rows: [...rows, ...ties] };
    });
    const { ids, position } = await lookupIds(table, Float64Array.from(candidates.flatMap(({ rows }) => rows)));
    for (const { query, distances, rows } of candidates)
      await sink.add(queries.id(query), rows.map(position), distances, ids);
  }
}

/** `ann`: LanceDB's index. @returns queries that were scanned */
async function searchIndex({ bucket, queries, distinct, plan, find, sink, context }: Work): Promise<number> {
  const { entry } = bucket;
  const { of, vectors, count } = distinct;
  const { nprobes, refineFactor } = plan;
  const bar = context.progress(`searching ${entry.bucket}`, count, 'queries');
  const options = { ...entry, partitions: entry.index.partitions, k: find, nprobes, refineFactor };
  const perBatch = Math.max(16, Math.floor(HITS_PER_BATCH / find));
  const least = entry.metric === 'dot' ? Number.NEGATIVE_INFINITY : 0;
  // Answers are kept until the last query that has the vector.
  const last = new Int32Array(count);
  for (const [query, position] of of.entries()) last[position] = query;
  const answers = new Map<number, AnnAnswer>();
  let asked = 0;
  let scanned = 0;
  try {
    for (let query = 0; query < queries.count; query++) {
      const position = of[query]!;
      // Vectors are in the order in which queries first have them, so what is needed comes next.
      if (position >= asked) {
        const wanted = Math.min(perBatch, count - asked);
        const found = await searchAnn(bucket, vectors, asked, wanted, options, bar);
        for (const answer of found) answers.set(asked++, answer);
      }
      const { ids, distances, isScanned } = answers.get(position)!;
      if (isScanned) scanned++;
      const targets = Array.from(distances, (_, row) => row);
      const lifted = distances.map((distance) => Math.max(least, distance));
      await sink.add(queries.id(query), targets, lifted, ids);
      if (last[position] === query) answers.delete(position);
    }
  } finally {
    bar.stop();
  }
  return scanned;
}
