import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import { BUILD_ID } from '../app/version.ts';
import { damagedBucket, type OpenBucket, openBucket } from '../bucket/open-bucket.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { tableMetadata } from '../hits/neighbours-origin.ts';
import { originMetadata } from '../hits/origin.ts';
import { createHits } from '../hits/parquet/hits-writer.ts';
import { joinHits } from '../hits/parquet/join-hits.ts';
import { withCheckpoints } from './checkpoints.ts';
import { queriesInMemory, scoringThreads } from './engine/memory.ts';
import { type HitFilter, HitSink, rowsToFind } from './hit-sink.ts';
import type { SearchRequest, Way } from './plan/choose.ts';
import { planSearch, SEARCH_PLAN, type SearchPlan } from './plan/make-plan.ts';
import { openQueries, type QueryFiles, type QueryRange } from './queries/queries.ts';
import { searchBlock } from './search-block.ts';
import { writeTruth } from './truth.ts';

/**
 * Most queries of a block: its work is lost when the search is killed. So many keep all cores busy while the table is
 * read, so a table that is read once a block takes no longer.
 */
const MOST_BLOCK_QUERIES = 65_536;

/** What to search for, and with what. */
export interface SearchOrder extends SearchRequest, HitFilter {
  memoryBytes: number;
  /** Queries searched at once, if fewer than the memory allows. */
  blockQueries: number | undefined;
  /** Which of the queries; all where not given. */
  range: QueryRange | undefined;
  /** Folder for finished blocks. */
  checkpoints: string;
}

export interface SearchOutcome {
  hits: number;
  queries: number;
  bytes: number;
  plan: SearchPlan;
  /** Seconds of deciding how to search. */
  planSeconds: number;
  /** Seconds that the search itself took, to hold against the plan's estimate. */
  searchSeconds: number;
  /** Blocks of queries, and how many of them an earlier run had finished. */
  blocks: number;
  resumedBlocks: number;
  /** What is odd about the search, a sentence each. */
  warnings: string[];
}

/**
 * Searches one bucket and writes its hits.
 * @param output a temporary name
 * @param truth a temporary name, where the true neighbours of sampled queries are wanted too
 */
export async function searchBucket(
  database: Database,
  entry: CatalogEntry,
  queryPaths: readonly string[],
  order: SearchOrder,
  outputs: { hits: string; truth: string | undefined },
  context: CommandContext,
): Promise<SearchOutcome> {
  const find = Math.min(rowsToFind(order), entry.rows);
  const inMemory = queriesInMemory(
    order.memoryBytes,
    entry.dimension,
    find,
    scoringThreads(availableParallelism(), entry.rows),
  );
  const blockQueries = Math.min(inMemory, order.blockQueries ?? MOST_BLOCK_QUERIES);
  const queries = await openQueries(queryPaths, entry, order.range);
  const bucket = await openBucket(database, entry).catch((error: unknown) => {
    queries.close();
    throw error;
  });
  const search = new Search(bucket, queries, order, find, context);
  try {
    const outcome = await (queries.count <= blockQueries
      ? search.whole(outputs.hits)
      : search.inBlocks(blockQueries, outputs.hits));
    const { hits, truth } = outputs;
    if (truth !== undefined) await search.truth(outcome.plan.way, { hits, truth });
    const { warnings } = search;
    for (const warning of warnings) context.log(`${warning}.`);
    return { ...outcome, queries: queries.count, warnings };
  } catch (error) {
    throw isLanceError(error) ? damagedBucket(database, entry.bucket, error) : error;
  } finally {
    queries.close();
    bucket.table.close();
  }
}

class Search {
  readonly #bucket: OpenBucket;
  readonly #queries: QueryFiles;
  readonly #order: SearchOrder;
  readonly #find: number;
  readonly #context: CommandContext;
  /** Queries that `ann` scanned. */
  #scanned = 0;

  constructor(bucket: OpenBucket, queries: QueryFiles, order: SearchOrder, find: number, context: CommandContext) {
    this.#bucket = bucket;
    this.#queries = queries;
    this.#order = order;
    this.#find = find;
    this.#context = context;
  }

  /** All queries at once. */
  async whole(output: string) {
    const stopwatch = startStopwatch();
    const plan = await this.#plan();
    const planSeconds = stopwatch();
    const written = await this.#block(plan, 0, this.#queries.count, output);
    return { ...written, plan, planSeconds, searchSeconds: stopwatch(), blocks: 1, resumedBlocks: 0 };
  }

  /** Block by block; those that are finished when the process is killed are not searched again. */
  async inBlocks(blockQueries: number, output: string) {
    const { bucket, fingerprint, partitions } = this.#bucket.entry;
    const { memoryBytes: _, blockQueries: __, checkpoints: parent, ...asked } = this.#order;
    const { contentHash } = this.#queries;
    const key = { worker: BUILD_ID, fingerprint, partitions: partitions?.path, queries: contentHash, asked };
    return withCheckpoints(parent, `search-${basename(bucket)}`, key, async (checkpoints) => {
      const stopwatch = startStopwatch();
      const plan = await checkpoints.decision(SEARCH_PLAN, () => this.#plan());
      const planSeconds = stopwatch();
      const blocks = Math.ceil(this.#queries.count / blockQueries);
      let searched = 0;
      const finish = async (block: number) => {
        const first = block * blockQueries;
        const end = Math.min(this.#queries.count, first + blockQueries);
        return checkpoints.file(`${first}-${end}.parquet`, (temporary) => {
          searched++;
          return this.#block(plan, first, end, temporary);
        });
      };
      const paths: string[] = [];
      for (let block = 0; block < blocks; block++) paths.push(await finish(block));
      const resumedBlocks = blocks - searched;
      if (resumedBlocks > 0) this.#context.log(`${bucket}: ${resumedBlocks} of ${blocks} blocks were finished before.`);
      const written = await joinHits(paths, output, this.#metadata);
      return { ...written, plan, planSeconds, searchSeconds: stopwatch(), blocks, resumedBlocks };
    });
  }

  /** The true hits of sampled queries. @param files temporary names; `hits` is written already */
  truth(way: Way, files: { hits: string; truth: string }): Promise<void> {
    return writeTruth(this.#bucket, this.#queries, way, this.#find, this.#order, files, this.#metadata, this.#context);
  }

  get warnings(): string[] {
    const { bucket, partitions } = this.#bucket.entry;
    if (this.#scanned === 0) return [];
    return [
      `${bucket}: ${this.#scanned} queries do not fit float16, the type of its vectors, so its index was not asked for them: they ` +
        `were compared with ${partitions ? 'the vectors of their nearest partitions' : 'all vectors'}. ` +
        'Scale the vectors and the queries, or build with --vector-type float32',
    ];
  }

  get #metadata(): Record<string, string> {
    const { bucket, metric, recipe } = this.#bucket.entry;
    const { contentHash: queries, range } = this.#queries;
    return { ...originMetadata({ ...this.#order, bucket, metric, queries, range }), ...tableMetadata(recipe) };
  }

  #plan(): Promise<SearchPlan> {
    return planSearch(this.#bucket, this.#queries, { ...this.#order, k: this.#find }, this.#context);
  }

  async #block(plan: SearchPlan, first: number, end: number, output: string) {
    const { bucket } = this.#bucket.entry;
    const writer = await createHits(output, this.#metadata);
    try {
      const sink = new HitSink(writer, bucket, this.#order);
      const read = () => this.#queries.block(first, end);
      this.#scanned += await searchBlock(this.#bucket, read, plan, this.#find, sink, this.#context);
      await sink.flush();
      return { hits: sink.hits, bytes: await writer.finish() };
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  }
}

/** @returns what gives the seconds since it was called last */
function startStopwatch(): () => number {
  let lastMs = performance.now();
  return () => {
    const seconds = (performance.now() - lastMs) / 1000;
    lastMs += seconds * 1000;
    return seconds;
  };
}

/** Errors of LanceDB's native part are plain: only their text tells where they come from. */
function isLanceError(error: unknown): boolean {
  return error instanceof Error && /lance|Failed to get next batch|Panic in async/i.test(error.message);
}
