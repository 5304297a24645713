import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import { BUILD_ID } from '../app/version.ts';
import { damagedBucket, type OpenBucket, openBucket } from '../bucket/open-bucket.ts';
import { tableMetadata } from '../hits/neighbours-origin.ts';
import { originMetadata } from '../hits/origin.ts';
import type { QueryRange } from '../hits/query-range.ts';
import { withCheckpoints } from './checkpoints.ts';
import { queriesInMemory, scoringThreads } from './engine/memory.ts';
import { type ScoreThreads, startScoreThreads } from './engine/score-table.ts';
import { selectedBucket, selectedEntry } from './filter/select-rows.ts';
import { writeGroundTruth } from './ground-truth.ts';
import { hasPValues } from './output/hit-sink.ts';
import { isTruthWorth } from './plan/choose-plan.ts';
import { planSearch, SEARCH_PLAN, type SearchPlan } from './plan/make-plan.ts';
import { divideQueries, LEAST_BLOCK_QUERIES, queriesPerBlock } from './plan/query-ranges.ts';
import { possibleStrategies } from './plan/strategies.ts';
import { openQueries, type QueryFiles } from './queries/queries.ts';
import { searchBlock } from './search-block.ts';
import { SEARCH_MESSAGES } from './search-messages.ts';
import { type SearchRequest, searchK } from './search-request.ts';
import type { SearchTable } from './search-table.ts';
import { startStopwatch } from './stopwatch.ts';

export interface SearchOutcome {
  hits: number;
  queries: number;
  bytes: number;
  plan: SearchPlan;
  /** Seconds that planning took. */
  planSeconds: number;
  /** Seconds that the search took, to compare with the plan's estimate. */
  searchSeconds: number;
  /** Blocks of queries, and how many of them an earlier run had finished. */
  blocks: number;
  resumedBlocks: number;
  /** A sentence each, without its full stop. */
  warnings: string[];
}

/** Temporary names of the outputs; the ground truth is written only where it is wanted. */
export interface SearchOutputs {
  hits: string;
  groundTruth: string | undefined;
  /** Share of the search's time that the ground truth may cost, or it is not written; undefined: whatever it costs. */
  truthShare: number | undefined;
}

/** One search of a bucket, with all that its steps need. */
interface BucketSearch {
  bucket: OpenBucket;
  queries: QueryFiles;
  request: SearchRequest;
  /** Rows to find for a query. */
  k: number;
  /** Queries that fit the memory together. */
  inMemory: number;
  /** Of the files that are written. */
  metadata: Record<string, string>;
  /** Queries that `ann` scanned, so far. */
  scannedQueries: number;
  /** Threads for the first block, started ahead of it. */
  threads: ScoreThreads | undefined;
  context: CommandContext;
}

type Written = Omit<SearchOutcome, 'queries' | 'warnings'>;

/** Searches one bucket and writes its hits. */
export async function searchBucket(
  { database, entry: stored, strategies, selection }: SearchTable,
  queryPaths: readonly string[],
  request: SearchRequest,
  outputs: SearchOutputs,
  context: CommandContext,
): Promise<SearchOutcome> {
  const entry = selection ? selectedEntry(stored, selection) : stored;
  const k = Math.min(searchK(request), Math.max(1, entry.rows));
  const threads = scoringThreads(availableParallelism(), entry.rows);
  const inMemory = queriesInMemory(request.memoryBytes, entry.dimension, k, threads);
  await using resources = new AsyncDisposableStack();
  const asked = { ...request, strategies };
  // Where it is certain that threads compare rows, they start while the queries and the table are opened.
  const scores = !possibleStrategies({ ...asked, k }, entry).strategies.includes('ann');
  const started = scores ? startScoreThreads(entry, true) : undefined;
  resources.defer(() => started?.terminate());
  const queries = await openQueries(queryPaths, entry, request.range);
  resources.defer(() => queries.close());
  const opened = await openBucket(database, stored);
  resources.defer(() => opened.table.close());
  const bucket = selection ? selectedBucket(opened, selection) : opened;
  const metadata = hitsMetadata(bucket, queries, request);
  const search: BucketSearch = {
    ...{ bucket, queries, request: asked, k, inMemory, metadata, threads: started, context },
    scannedQueries: 0,
  };
  try {
    const isOneBlock = queries.count <= Math.min(inMemory, request.blockQueries ?? LEAST_BLOCK_QUERIES);
    const written = await (isOneBlock ? searchAtOnce(search, outputs.hits) : searchInBlocks(search, outputs.hits));
    if (isTruthWorth(written.plan, outputs.truthShare)) await writeGroundTruth(search, written.plan.strategy, outputs);
    const warnings = warningsOf(search);
    for (const warning of warnings) context.warn(`${warning}.`);
    return { ...written, queries: queries.count, warnings };
  } catch (error) {
    throw isLanceError(error) ? damagedBucket(database, entry.bucket, error) : error;
  }
}

async function searchAtOnce(search: BucketSearch, output: string): Promise<Written> {
  const stopwatch = startStopwatch();
  const plan = await makePlan(search);
  const planSeconds = stopwatch();
  const written = await writeBlock(search, plan, { first: 0, end: search.queries.count }, output);
  return { ...written, plan, planSeconds, searchSeconds: stopwatch(), blocks: 1, resumedBlocks: 0 };
}

/** Blocks that are finished when the process is killed are not searched again. */
async function searchInBlocks(search: BucketSearch, output: string): Promise<Written> {
  const { request, queries, bucket, inMemory, metadata, context } = search;
  const { bucket: name, fingerprint, partitions } = bucket.entry;
  const { memoryBytes: _, blockQueries, checkpoints: parent, ...asked } = request;
  const key = { worker: BUILD_ID, fingerprint, partitions: partitions?.path, queries: queries.contentHash, asked };
  return withCheckpoints(parent, `search-${basename(name)}`, key, async (checkpoints) => {
    const stopwatch = startStopwatch();
    const plan = await checkpoints.decision(SEARCH_PLAN, () => makePlan(search));
    const planSeconds = stopwatch();
    const probedShare = plan.strategy === 'scan' && partitions ? plan.nprobes / partitions.count : 1;
    const perBlock = Math.min(inMemory, blockQueries ?? queriesPerBlock(plan.strategy, probedShare, inMemory));
    const ranges = divideQueries(queries.count, perBlock);
    const paths: string[] = [];
    let searched = 0;
    for (const range of ranges)
      paths.push(
        await checkpoints.file(`${range.first}-${range.end}.parquet`, (temporary) => {
          searched++;
          return writeBlock(search, plan, range, temporary);
        }),
      );
    const [blocks, resumedBlocks] = [ranges.length, ranges.length - searched];
    if (resumedBlocks > 0) context.log(SEARCH_MESSAGES.resumed(name, resumedBlocks, blocks));
    // It loads a decoder of Parquet, which most searches do not need.
    const { joinHits } = await import('../hits/parquet/join-hits.ts');
    const written = await joinHits(paths, output, metadata, hasPValues(bucket.entry, request.refineFactor));
    return { ...written, plan, planSeconds, searchSeconds: stopwatch(), blocks, resumedBlocks };
  });
}

function makePlan({ bucket, queries, request, k, inMemory, context }: BucketSearch): Promise<SearchPlan> {
  return planSearch(bucket, queries, { ...request, k, queriesInMemory: inMemory }, context);
}

/** Searches a block of queries and writes its hits. @param output a temporary name */
async function writeBlock(search: BucketSearch, plan: SearchPlan, { first, end }: QueryRange, output: string) {
  const { bucket, queries, request, k, metadata, context } = search;
  const hitsOutput = {
    path: output,
    metadata,
    filter: request,
    hasPValues: hasPValues(bucket.entry, request.refineFactor),
  };
  const readQueries = () => queries.block(first, end);
  const { threads } = search;
  search.threads = undefined;
  const { scannedQueries, ...written } = await searchBlock(bucket, readQueries, plan, k, hitsOutput, context, threads);
  search.scannedQueries += scannedQueries;
  return written;
}

function hitsMetadata({ entry }: OpenBucket, queries: QueryFiles, request: SearchRequest): Record<string, string> {
  const { bucket, metric, recipe, rows } = entry;
  const { contentHash, range } = queries;
  return {
    ...originMetadata({ ...request, bucket, metric, queries: contentHash, range }),
    ...tableMetadata(recipe, hasPValues(entry, request.refineFactor) ? rows : undefined),
  };
}

function warningsOf({ bucket, scannedQueries }: BucketSearch): string[] {
  const { bucket: name, partitions } = bucket.entry;
  return scannedQueries === 0
    ? []
    : [SEARCH_MESSAGES.queriesOutsideFloat16(name, scannedQueries, partitions !== undefined)];
}

/** Returns whether an error is of LanceDB's native part. Those have no class: only their text shows their origin. */
export function isLanceError(error: unknown): boolean {
  return error instanceof Error && /lance|Failed to get next batch|Panic in async/i.test(error.message);
}
