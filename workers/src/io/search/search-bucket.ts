import type { CommandContext } from '../../command.ts';
import type { CatalogEntry } from '../../core/catalog.ts';
import type { SearchRequest } from '../../core/search/choose.ts';
import { rankHits } from '../../core/search/hit-order.ts';
import type { NearestRows } from '../../core/search/nearest.ts';
import { columnBytes } from '../../core/utf8-column.ts';
import type { Database } from '../database.ts';
import { lookupIds } from '../lance/lookup-ids.ts';
import { createHits } from '../parquet/hits-writer.ts';
import { searchAnn } from './ann.ts';
import { HITS_PER_BATCH, HitSink } from './hit-sink.ts';
import { type OpenBucket, openBucket } from './open-bucket.ts';
import { planSearch, type SearchPlan } from './plan-search.ts';
import { probedSpans, rankPartitions } from './probe.ts';
import { type QuerySet, readQueries } from './queries.ts';
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
  request: SearchRequest,
  output: string,
  context: CommandContext,
): Promise<SearchOutcome> {
  const queries = await readQueries(queryPaths, entry);
  const bucket = await openBucket(database, entry);
  const writer = await createHits(output, { 'lanceflow.bucket': entry.bucket });
  try {
    const plan = await planSearch(bucket, queries, request, context);
    const sink = new HitSink(writer, queries.ids, entry.bucket);
    const k = Math.min(request.k, entry.rows);
    const startedMs = performance.now();
    if (plan.way === 'ann') await searchIndex(bucket, queries, plan, k, sink, context);
    else await searchRows(bucket, queries, plan, k, sink, context);
    await sink.flush();
    const searchSeconds = (performance.now() - startedMs) / 1000;
    return { hits: sink.hits, queries: queries.order.length, bytes: await writer.finish(), plan, searchSeconds };
  } catch (error) {
    await writer.abandon();
    throw error;
  } finally {
    bucket.table.close();
  }
}

/** `scan` and `exact`. */
async function searchRows(
  bucket: OpenBucket,
  queries: QuerySet,
  plan: SearchPlan,
  k: number,
  sink: HitSink,
  { progress }: CommandContext,
): Promise<void> {
  const { entry, table, folder } = bucket;
  const spans = await spansToScore(bucket, queries, plan);
  const rows = spans.reduce((sum, { first, end }) => sum + end - first, 0);
  const bar = progress(`searching ${entry.bucket}`, rows, 'vectors');
  const nearest = await scoreTable(folder, table, entry, queries, spans, k, bar).finally(() => bar.stop());
  await writeNearest(bucket, queries, nearest, sink);
}

/** What of the table is compared with which queries. */
async function spansToScore(
  bucket: OpenBucket,
  queries: QuerySet,
  { way, nprobes }: SearchPlan,
): Promise<ScoredSpan[]> {
  if (way === 'exact') return [{ first: 0, end: bucket.entry.rows }];
  const partitions = await bucket.partitions();
  const probes = await rankPartitions(
    queries,
    partitions,
    bucket.entry.metric,
    Math.min(nprobes, partitions.centroids.count),
  );
  return probedSpans(probes, partitions);
}

/** Looks up the ids of the nearest rows and writes them, queries in the order of their ids. */
async function writeNearest({ entry, table }: OpenBucket, queries: QuerySet, nearest: NearestRows, sink: HitSink) {
  const perBatch = Math.max(1, Math.floor(HITS_PER_BATCH / nearest.k));
  for (let at = 0; at < queries.order.length; at += perBatch) {
    const candidates = Array.from(queries.order.subarray(at, at + perBatch), (query) => {
      const { distances, rows, ties } = nearest.kept(query);
      const limit = nearest.limit(query);
      const all = [...distances, ...ties.map(() => limit)];
      return { query, distances: finishDistances(all, queries.vectors, query, entry), rows: [...rows, ...ties] };
    });
    const { ids, position } = await lookupIds(table, Float64Array.from(candidates.flatMap(({ rows }) => rows)));
    for (const { query, distances, rows } of candidates) {
      const ranked = rankHits(rows.map(position), distances, ids, nearest.k);
      for (const [i, target] of ranked.targets.entries())
        sink.add(query, columnBytes(ids, target), ranked.distances[i]!);
      await sink.flushWhenFull();
    }
  }
}

/** Adds what the engine leaves out of l2, and lifts to zero what rounding took below it. */
function finishDistances(
  distances: number[],
  vectors: Float32Array,
  query: number,
  { metric, dimension }: CatalogEntry,
): number[] {
  if (metric === 'dot') return distances;
  let square = 0;
  if (metric === 'l2')
    for (const value of vectors.subarray(query * dimension, (query + 1) * dimension)) square += value * value;
  return distances.map((distance) => Math.fround(Math.max(0, distance + square)));
}

/** `ann`: LanceDB's index. */
async function searchIndex(
  { entry, table }: OpenBucket,
  queries: QuerySet,
  { nprobes, refineFactor }: SearchPlan,
  k: number,
  sink: HitSink,
  { progress }: CommandContext,
): Promise<void> {
  const bar = progress(`searching ${entry.bucket}`, queries.order.length, 'queries');
  const options = { ...entry, partitions: entry.index.partitions, k, nprobes, refineFactor };
  const perBatch = Math.max(16, Math.floor(HITS_PER_BATCH / k));
  const least = entry.metric === 'dot' ? Number.NEGATIVE_INFINITY : 0;
  for (let at = 0; at < queries.order.length; at += perBatch) {
    const batch = queries.order.subarray(at, at + perBatch);
    const answers = await searchAnn(table, queries, batch, options, bar);
    for (const [i, { ids, distances }] of answers.entries()) {
      const ranked = rankHits(
        Array.from(distances, (_, position) => position),
        distances,
        ids,
        k,
      );
      for (const [rank, target] of ranked.targets.entries())
        sink.add(batch[i]!, columnBytes(ids, target), Math.max(least, ranked.distances[rank]!));
      await sink.flushWhenFull();
    }
  }
  bar.stop();
}
