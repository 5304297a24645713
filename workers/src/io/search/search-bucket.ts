import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import type { CommandContext } from '../../command.ts';
import type { CatalogEntry } from '../../core/catalog.ts';
import { chooseSearch, type SearchChoice, type SearchMode } from '../../core/search/choose.ts';
import { rankHits } from '../../core/search/hit-order.ts';
import type { NearestRows } from '../../core/search/nearest.ts';
import { columnBytes, type Utf8Column } from '../../core/utf8-column.ts';
import { DataError } from '../../errors.ts';
import type { Database } from '../database.ts';
import { lookupIds } from '../lance/lookup-ids.ts';
import { openTable } from '../lance/tables.ts';
import { createHits, type HitsWriter } from '../parquet/hits-writer.ts';
import { readPartitions } from '../partitions.ts';
import { searchAnn } from './ann.ts';
import { probedSpans, rankPartitions } from './probe.ts';
import { type QuerySet, readQueries } from './queries.ts';
import { type ScoredSpan, scoreTable } from './score-table.ts';

/** Hits are looked up and written this many at a time. */
const HITS_PER_BATCH = 200_000;

export interface SearchOptions {
  k: number;
  search: SearchMode;
  nprobes: number | undefined;
  refineFactor: number | undefined;
}

export interface SearchOutcome {
  hits: number;
  queries: number;
  bytes: number;
  choice: SearchChoice;
}

/** Searches one bucket and writes its hits to `output` (a temporary name). */
export async function searchBucket(
  database: Database,
  entry: CatalogEntry,
  queryPaths: readonly string[],
  options: SearchOptions,
  output: string,
  context: CommandContext,
): Promise<SearchOutcome> {
  const queries = await readQueries(queryPaths, entry);
  const choice = chooseSearch(options, queries.order.length, entry);
  for (const note of choice.notes) context.log(`${entry.bucket}: ${note}.`);
  const table = await openSearchTable(database, entry);
  const writer = await createHits(output, { 'lanceflow.bucket': entry.bucket, 'lanceflow.search': choice.mode });
  try {
    const search = { dimension: entry.dimension, metric: entry.metric, k: Math.min(options.k, entry.rows) };
    const sink = new HitSink(writer, queries.ids, entry.bucket);
    if (choice.mode !== 'ann') {
      const spans = await spansToScore(database, entry, queries, choice);
      const rows = spans.reduce((sum, { first, end }) => sum + end - first, 0);
      const bar = context.progress(`searching ${entry.bucket}`, rows, 'vectors');
      const folder = join(database.uri, `${entry.bucket}.lance`);
      const scoring = { k: search.k, threads: availableParallelism() };
      const nearest = await scoreTable(folder, table, entry, queries, spans, scoring, bar).finally(() => bar.stop());
      await writeNearest(table, queries, nearest, search, sink);
    } else {
      const bar = context.progress(`searching ${entry.bucket}`, queries.order.length, 'queries');
      await writeAnn(
        table,
        queries,
        { ...search, ...choice, rows: entry.rows, partitions: entry.index.partitions },
        bar,
        sink,
      );
      bar.stop();
    }
    await sink.flush();
    const bytes = await writer.finish();
    return { hits: sink.hits, queries: queries.order.length, bytes, choice };
  } catch (error) {
    await writer.abandon();
    throw error;
  } finally {
    table.close();
  }
}

/** What of the table is compared with which queries. */
async function spansToScore(
  database: Database,
  entry: CatalogEntry,
  queries: QuerySet,
  { mode, nprobes }: SearchChoice,
): Promise<ScoredSpan[]> {
  if (mode === 'exact' || !entry.partitions) return [{ first: 0, end: entry.rows }];
  const partitions = await readPartitions(database.uri, entry.partitions);
  const probes = await rankPartitions(queries, partitions, entry.metric, nprobes);
  return probedSpans(probes, partitions);
}

async function openSearchTable(database: Database, entry: CatalogEntry): Promise<Table> {
  try {
    const table = await openTable(database.uri, entry.bucket);
    const rows = await table.countRows();
    if (rows === entry.rows) return table;
    throw new DataError(
      `${database.uri}: ${entry.bucket} has ${rows} rows, its catalog entry says ${entry.rows}. Build it again.`,
    );
  } catch (error) {
    if (error instanceof DataError) throw error;
    const [reason] = (error as Error).message.split('\n');
    throw new DataError(`${database.uri}: ${entry.bucket} cannot be opened: ${reason}. Build the bucket again.`, {
      cause: error,
    });
  }
}

type Search = { dimension: number; metric: CatalogEntry['metric']; k: number };

/** Looks up the ids of the nearest rows and writes them, queries in the order of their ids. */
async function writeNearest(table: Table, queries: QuerySet, nearest: NearestRows, search: Search, sink: HitSink) {
  const perBatch = Math.max(1, Math.floor(HITS_PER_BATCH / search.k));
  for (let at = 0; at < queries.order.length; at += perBatch) {
    const batch = queries.order.subarray(at, at + perBatch);
    const candidates = Array.from(batch, (query) => {
      const { distances, rows, ties } = nearest.kept(query);
      const limit = nearest.limit(query);
      const square = search.metric === 'l2' ? squaredLength(queries.vectors, query, search.dimension) : 0;
      const all = [...distances, ...ties.map(() => limit)];
      // Rounding can take a distance of almost nothing below zero.
      const finished = all.map((distance) =>
        search.metric === 'dot' ? distance : Math.fround(Math.max(0, distance + square)),
      );
      return { query, distances: finished, rows: [...rows, ...ties] };
    });
    const { ids, position } = await lookupIds(table, Float64Array.from(candidates.flatMap(({ rows }) => rows)));
    for (const { query, distances, rows } of candidates) {
      const ranked = rankHits(rows.map(position), distances, ids, search.k);
      for (const [i, target] of ranked.targets.entries())
        sink.add(query, columnBytes(ids, target), ranked.distances[i]!);
      await sink.flushWhenFull();
    }
  }
}

function squaredLength(vectors: Float32Array, query: number, dimension: number): number {
  let sum = 0;
  for (let i = query * dimension; i < (query + 1) * dimension; i++) sum += vectors[i]! * vectors[i]!;
  return sum;
}

async function writeAnn(
  table: Table,
  queries: QuerySet,
  options: Parameters<typeof searchAnn>[3],
  bar: Parameters<typeof searchAnn>[4],
  sink: HitSink,
) {
  const perBatch = Math.max(16, Math.floor(HITS_PER_BATCH / options.k));
  for (let at = 0; at < queries.order.length; at += perBatch) {
    const batch = queries.order.subarray(at, at + perBatch);
    const answers = await searchAnn(table, queries, batch, options, bar);
    for (const [i, { ids, distances }] of answers.entries()) {
      const ranked = rankHits(
        Array.from(distances, (_, position) => position),
        distances,
        ids,
        options.k,
      );
      for (const [rank, target] of ranked.targets.entries())
        sink.add(
          batch[i]!,
          columnBytes(ids, target),
          Math.max(options.metric === 'dot' ? -Infinity : 0, ranked.distances[rank]!),
        );
      await sink.flushWhenFull();
    }
  }
}

/** Collects hits into batches for the writer. */
class HitSink {
  hits = 0;
  readonly #writer: HitsWriter;
  readonly #queryIds: Utf8Column;
  readonly #bucket: string;
  #queries: Uint8Array[] = [];
  #targets: Uint8Array[] = [];
  #distances: number[] = [];

  constructor(writer: HitsWriter, queryIds: Utf8Column, bucket: string) {
    this.#writer = writer;
    this.#queryIds = queryIds;
    this.#bucket = bucket;
  }

  add(query: number, targetId: Uint8Array, distance: number): void {
    this.#queries.push(columnBytes(this.#queryIds, query));
    this.#targets.push(targetId);
    this.#distances.push(distance);
    this.hits++;
  }

  async flushWhenFull(): Promise<void> {
    if (this.#distances.length >= HITS_PER_BATCH) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#distances.length === 0) return;
    await this.#writer.append({
      queryIds: columnOf(this.#queries),
      targetIds: columnOf(this.#targets),
      distances: Float32Array.from(this.#distances),
      bucket: this.#bucket,
    });
    this.#queries = [];
    this.#targets = [];
    this.#distances = [];
  }
}

function columnOf(texts: readonly Uint8Array[]): Utf8Column {
  const offsets = new Int32Array(texts.length + 1);
  for (const [i, text] of texts.entries()) offsets[i + 1] = offsets[i]! + text.length;
  return { offsets, bytes: Buffer.concat(texts) };
}
