import type { CommandContext } from '../../command.ts';
import type { CatalogEntry } from '../../core/catalog.ts';
import type { SearchRequest } from '../../core/search/choose.ts';
import { queriesInMemory } from '../../core/search/memory.ts';
import type { NearestRows } from '../../core/search/nearest.ts';
import type { Database } from '../database.ts';
import { lookupIds } from '../lance/lookup-ids.ts';
import { createHits } from '../parquet/hits-writer.ts';
import type { Progress } from '../progress.ts';
import { searchAnn } from './ann.ts';
import { HITS_PER_BATCH, type HitFilter, HitSink, rowsToFind } from './hit-sink.ts';
import { damagedBucket, type OpenBucket, openBucket } from './open-bucket.ts';
import { planSearch, type SearchPlan } from './plan-search.ts';
import { probedSpans, rankPartitions } from './probe.ts';
import { openQueries, type QuerySet } from './queries.ts';
import { type ScoredSpan, scoreTable } from './score-table.ts';

export interface SearchOutcome {
  hits: number;
  queries: number;
  bytes: number;
  plan: SearchPlan;
  /** Seconds that the search itself took, to hold against the plan's estimate. */
  searchSeconds: number;
}

/** Searches one bucket and writes its hits to `output` (a temporary name). */
export async function searchBucket(
  database: Database,
  entry: CatalogEntry,
  queryPaths: readonly string[],
  request: SearchRequest & HitFilter & { memoryBytes: number },
  output: string,
  context: CommandContext,
): Promise<SearchOutcome> {
  const find = Math.min(rowsToFind(request), entry.rows);
  const atOnce = queriesInMemory(request.memoryBytes, entry.dimension, find);
  const queries = await openQueries(queryPaths, entry);
  const bucket = await openBucket(database, entry).catch((error: unknown) => {
    queries.close();
    throw error;
  });
  const writer = await createHits(output, { 'lanceflow.bucket': entry.bucket });
  try {
    const plan = await planSearch(bucket, queries, { ...request, k: find }, context);
    const sink = new HitSink(writer, entry.bucket, request);
    const startedMs = performance.now();
    const search = plan.way === 'ann' ? searchIndex : searchRows;
    for await (const block of queries.blocks(atOnce)) await search(bucket, block, plan, find, sink, context);
    await sink.flush();
    const searchSeconds = (performance.now() - startedMs) / 1000;
    return { hits: sink.hits, queries: queries.count, bytes: await writer.finish(), plan, searchSeconds };
  } catch (error) {
    await writer.abandon();
    throw isLanceError(error) ? damagedBucket(database, entry.bucket, error) : error;
  } finally {
    queries.close();
    bucket.table.close();
  }
}

/** Errors of LanceDB's native part are plain: only their text tells where they come from. */
function isLanceError(error: unknown): boolean {
  return error instanceof Error && /lance|Failed to get next batch|Panic in async/i.test(error.message);
}

/** Searches a block of queries and hands what was found to the sink. @param find rows to find for a query */
type Search = (
  bucket: OpenBucket,
  queries: QuerySet,
  plan: SearchPlan,
  find: number,
  sink: HitSink,
  context: CommandContext,
) => Promise<void>;

/** `scan` and `exact`. */
const searchRows: Search = async (bucket, queries, plan, find, sink, { progress }) => {
  const { entry } = bucket;
  const spans = await spansToScore(bucket, queries, plan, find);
  const rows = spans.reduce((sum, { first, end }) => sum + end - first, 0);
  const bar = progress(`searching ${entry.bucket}`, rows, 'vectors');
  const nearest = await scoreTable(bucket, queries, spans, find, bar).finally(() => bar.stop());
  await writeNearest(bucket, queries, nearest, sink);
};

/** What of the table is compared with which queries. */
async function spansToScore(
  bucket: OpenBucket,
  queries: QuerySet,
  { way, nprobes }: SearchPlan,
  find: number,
): Promise<ScoredSpan[]> {
  if (way === 'exact') return [{ first: 0, end: bucket.entry.rows }];
  const partitions = await bucket.partitions();
  const count = Math.min(nprobes, partitions.centroids.count);
  return probedSpans(await rankPartitions(queries, partitions, bucket.entry.metric, count), partitions, find);
}

/** Looks up the ids of the nearest rows and writes them. */
async function writeNearest({ table }: OpenBucket, queries: QuerySet, nearest: NearestRows, sink: HitSink) {
  const perBatch = Math.max(1, Math.floor(HITS_PER_BATCH / nearest.k));
  for (let first = 0; first < queries.count; first += perBatch) {
    const candidates = Array.from({ length: Math.min(perBatch, queries.count - first) }, (_, i) => {
      const query = first + i;
      const { distances, rows, ties } = nearest.kept(query);
      const limit = nearest.limit(query);
      return { query, distances: [...distances, ...ties.map(() => limit)], rows: [...rows, ...ties] };
    });
    const { ids, position } = await lookupIds(table, Float64Array.from(candidates.flatMap(({ rows }) => rows)));
    for (const { query, distances, rows } of candidates)
      await sink.add(queries.id(query), rows.map(position), distances, ids);
  }
}

/** `ann`: LanceDB's index. */
const searchIndex: Search = async ({ entry, table }, queries, { nprobes, refineFactor }, find, sink, { progress }) => {
  const bar: Progress = progress(`searching ${entry.bucket}`, queries.count, 'queries');
  const options = { ...entry, partitions: entry.index.partitions, k: find, nprobes, refineFactor };
  const perBatch = Math.max(16, Math.floor(HITS_PER_BATCH / find));
  const least = entry.metric === 'dot' ? Number.NEGATIVE_INFINITY : 0;
  try {
    for (let first = 0; first < queries.count; first += perBatch) {
      const count = Math.min(perBatch, queries.count - first);
      const answers = await searchAnn(table, queries.vectors, first, count, options, bar);
      for (const [i, { ids, distances }] of answers.entries()) {
        const targets = Array.from(distances, (_, position) => position);
        const lifted = distances.map((distance) => Math.max(least, distance));
        await sink.add(queries.id(first + i), targets, lifted, ids);
      }
    }
  } finally {
    bar.stop();
  }
};
