import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { CommandContext } from '../../app/command.ts';
import { DataError } from '../../base/errors.ts';
import { withScratch } from '../../base/files/scratch.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { Database } from '../../database/database.ts';
import { inspectHits } from '../../hits/parquet/hits-reader.ts';
import { WantedIds } from '../../ids/wanted-ids.ts';
import { mergeFiles } from '../../merge/merge-files.ts';
import { fetchQueries, findIds } from '../../search/queries/look-up-queries.ts';
import { searchAndWrite } from '../../search/search-and-write.ts';
import { measurementOf, type PointSettings } from '../evaluation.ts';
import { type GridLists, gridPoints, USUAL_SETTINGS } from '../grid.ts';
import { drawPositions } from '../sample-rows.ts';
import { FamilyJudge } from './family-judge.ts';
import { FamilySums, type LabelFigures } from './family-sums.ts';
import { LABEL_MESSAGES, MAX_NAMED } from './label-messages.ts';
import type { Labels } from './parse-labels.ts';
import { rankingsOf } from './rankings-of.ts';

/** Memory of a search, and of reading hits while they are merged. */
const SEARCH_BYTES = 2e9;
const MERGE_BYTES = 320 * 2 ** 20;
const MOST_THREADS = 4;

export interface LabelRequest extends GridLists {
  /** File of the labels, for messages. */
  path: string;
  labels: Labels;
  /** Neighbours per query. */
  k: number;
  /** Queries to draw; undefined: all labelled ids whose family has other members. */
  sample: number | undefined;
  database: string;
  work: string | undefined;
  stream: boolean;
  /** Parent of scratch folders. */
  scratch: string;
}

/** What `evaluate --labels` measures. Format: docs/formats.md. */
export interface LabelEvaluation {
  format: 1;
  version: string;
  measured: string;
  database: string;
  /** Fingerprint of each bucket that was searched. */
  buckets: Record<string, string>;
  k: number;
  queries: number;
  /** Ids with a label that the database has, and those that it does not have. */
  labelledIds: number;
  missingIds: number;
  /** Labels of one id of the database alone, which has no other member to find. */
  singleLabels: number;
  /** What searches with these settings find. */
  searches: (PointSettings & LabelFigures)[];
}

/**
 * Judges the neighbours of labelled rows by their labels: each is a query, whose own hit is not counted. The hits of buckets are merged as in
 * a campaign; memory grows with the labels and with a block of queries, not with rows or hits.
 * @param entries of the buckets, see `chosenEntries`
 * @throws DataError if the database has none of the labelled ids, or no two of one label
 */
export async function evaluateLabels(
  database: Database,
  entries: readonly CatalogEntry[],
  request: LabelRequest,
  context: CommandContext,
): Promise<LabelEvaluation> {
  const points = gridPoints(request, entries, USUAL_SETTINGS);
  const { present, missingIds } = await presentLabels(database, entries, request, context);
  const judge = new FamilyJudge(present);
  const all = judge.queries();
  if (all.length === 0) throw new DataError(LABEL_MESSAGES.noFamilies(request.path, database.uri));
  const queries = drawPositions([all.length], request.sample ?? all.length)[0]!.map((position) => all[position]!);
  const singles = [...judge.members.values()].filter(({ length }) => length === 1);
  const searches = await withScratch(request.scratch, 'evaluate-labels', async (scratch) => {
    const shard = join(scratch, 'queries.h5');
    const rows = entries.reduce((sum, entry) => sum + entry.rows, 0);
    const bar = context.progress('fetching vectors', rows, 'ids');
    await fetchQueries(database, entries, new WantedIds(queries), shard, bar).finally(() => bar.stop());
    const found: (PointSettings & LabelFigures)[] = [];
    for (const point of points) {
      const hits = await searchAll(entries, shard, point, request, scratch, context);
      found.push({ ...point, ...(await judgeHits(hits, queries, judge, request.k, scratch, context)) });
      await Promise.all(hits.map((path) => rm(path)));
    }
    return found;
  });
  return {
    ...measurementOf(database, entries, request.k),
    queries: queries.length,
    labelledIds: present.size,
    missingIds,
    singleLabels: singles.length,
    searches,
  };
}

/** Returns the labels of the ids that the database has. */
async function presentLabels(
  database: Database,
  entries: readonly CatalogEntry[],
  { path, labels: { byId, emptyRows } }: LabelRequest,
  { progress, warn }: CommandContext,
): Promise<{ present: ReadonlyMap<string, readonly string[]>; missingIds: number }> {
  if (emptyRows > 0) warn(LABEL_MESSAGES.emptyRows(path, emptyRows));
  const wanted = new WantedIds([...byId.keys()]);
  const rows = entries.reduce((sum, entry) => sum + entry.rows, 0);
  const bar = progress('finding ids', rows, 'ids');
  await findIds(database, entries, wanted, bar).finally(() => bar.stop());
  const { missingCount } = wanted;
  if (missingCount === 0) return { present: byId, missingIds: 0 };
  const missing = wanted.missing(missingCount);
  const named = missing.slice(0, MAX_NAMED);
  if (missingCount === byId.size) throw new DataError(LABEL_MESSAGES.noneFound(path, database.uri, named, byId.size));
  warn(LABEL_MESSAGES.someMissing(path, database.uri, named, missingCount, byId.size));
  const absent = new Set(missing);
  return { present: new Map([...byId].filter(([id]) => !absent.has(id))), missingIds: missingCount };
}

/** Searches all buckets with the settings of a point. @returns the files of hits */
async function searchAll(
  entries: readonly CatalogEntry[],
  shard: string,
  { strategy, nprobes, refineFactor }: PointSettings,
  { database, work, stream, k }: LabelRequest,
  scratch: string,
  context: CommandContext,
): Promise<string[]> {
  const request = {
    ...{
      k,
      search: strategy,
      nprobes,
      refineFactor,
      targetRecall: undefined,
      blockQueries: undefined,
      range: undefined,
    },
    excludeSelf: true,
    maxDistance: Number.POSITIVE_INFINITY,
    memoryBytes: SEARCH_BYTES,
    checkpoints: scratch,
  };
  const paths: string[] = [];
  for (const { bucket } of entries) {
    const output = join(scratch, `${bucket}.${strategy}.${nprobes}.${refineFactor}.parquet`);
    await searchAndWrite({ bucket, database, queries: [shard], work, stream, output }, request, context);
    paths.push(output);
  }
  return paths;
}

/** Merges the hits of all buckets, and judges each query's ranking. */
async function judgeHits(
  paths: readonly string[],
  queries: readonly string[],
  judge: FamilyJudge,
  k: number,
  scratch: string,
  { progress, log }: CommandContext,
): Promise<LabelFigures> {
  const files = [];
  for (const path of paths) files.push(await inspectHits(path));
  const bar = progress(
    'judging',
    files.reduce((sum, { rows }) => sum + rows, 0),
    'hits',
  );
  const threads = Math.min(MOST_THREADS, availableParallelism());
  const options = { k, threads, hasPValues: false, memoryBytes: MERGE_BYTES, scratch, log, onRows: bar.add };
  const sums = new FamilySums(judge);
  const without = new Set(queries);
  try {
    for await (const { query, targets } of rankingsOf(mergeFiles(files, options))) {
      without.delete(query);
      sums.add(query, judge.judge(query, targets));
    }
  } finally {
    bar.stop();
  }
  // A query without hits finds no member.
  for (const query of without) sums.add(query, judge.judge(query, []));
  return sums.figures();
}
