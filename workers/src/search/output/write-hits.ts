import { concatenateColumns, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import type { OpenBucket } from '../../bucket/open-bucket.ts';
import { allocateRowBits } from '../../bucket/row-bits.ts';
import type { FragmentFile } from '../../database/catalog/catalog-entry.ts';
import { HITS_ROW_GROUP } from '../../hits/columns.ts';
import { createJoinedFile } from '../../hits/parquet/joined-file.ts';
import { readIdsOf } from '../../lance/ids/lookup-ids.ts';
import type { QueryChances } from '../../vectors/significance/query-chances.ts';
import type { NearestRows } from '../engine/nearest.ts';
import { encodingThread, type ScoreThreads } from '../engine/score-table.ts';
import type { QuerySet } from '../queries/queries.ts';
import type { HitsOutput } from './hit-sink.ts';
import type { HitMemory, HitPart, HitRange, VectorSlice } from './hit-tasks.ts';
import { allocateTexts, type SharedTexts } from './rank-rows.ts';
import { RowSet } from './row-set.ts';

/** Most rows whose ids are in memory at once, ties aside. */
const MOST_IDS = 2_000_000;
/** Queries that a thread ranks at a time: many tasks share the threads evenly. */
const PER_TASK = 512;

/** Nearest rows that threads have found, and their queries. */
export interface FoundRows {
  queries: QuerySet;
  /** For each query, the position of its vector in `nearest`. */
  vectorOf: Int32Array;
  nearest: NearestRows;
  /** By the position of the vector, where the bucket has a null distribution. */
  chances?: QueryChances | undefined;
}

/**
 * Ranks the nearest rows of queries and writes the hits. The threads rank and encode; this one looks up ids and appends what they
 * have encoded. Queries are taken in batches, so that their rows' ids fit the memory.
 * @param fragments of the table: its row ids follow from them
 * @param mostIds rows whose ids are in memory at once
 */
export async function writeRankedHits(
  bucket: OpenBucket,
  fragments: readonly FragmentFile[],
  found: FoundRows,
  threads: ScoreThreads,
  { path, metadata, filter }: HitsOutput,
  mostIds = MOST_IDS,
): Promise<{ hits: number; bytes: number }> {
  const { entry } = bucket;
  const { queries, vectorOf, nearest, chances } = found;
  const memory: HitMemory = {
    nearest: nearest.memory,
    rowSet: allocateRowBits(fragments),
    queryIds: shareTexts([idsOf(queries)]),
    vectorOf: shareIntegers(vectorOf),
    hitCounts: shareIntegers(new Int32Array(queries.count)),
    ownRanks: shareIntegers(new Int32Array(queries.count)),
    ...{ filter, metadata, chances, bucket: entry.bucket },
  };
  await threads.runInEach('beginHits', () => memory);
  const rows = new RowSet(memory.rowSet);
  const file = await createJoinedFile(path);
  try {
    const batchQueries = entry.rows <= mostIds ? queries.count : Math.max(1, Math.floor(mostIds / nearest.k));
    let hits = 0;
    /** Hits that do not fill a row group yet. */
    let carried: HitPart | undefined;
    for (let first = 0; first < queries.count; first += batchQueries) {
      const end = Math.min(queries.count, first + batchQueries);
      const ids = await rankBatch(bucket, found, threads, rows, first, end);
      const ranges = divideHits(memory.hitCounts, first, end, carried?.distances.length ?? 0);
      hits += ranges.hits;
      for await (const encoded of encodeInOrder(threads, ranges.groups, ids, carried)) await file.append(encoded);
      const left = ranges.groups.length > 0 ? undefined : carried;
      carried = await encodingThread(threads).call('gatherHits', { range: ranges.rest, ids, carried: left });
    }
    if (hits === 0 || carried!.distances.length > 0)
      await file.append(await encodingThread(threads).call('encodeHits', carried!));
    return { hits, bytes: await file.finish() };
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

/** Ranks the rows of queries [first, end) and counts their hits. @returns the ids of all these rows */
async function rankBatch(
  { table, entry }: OpenBucket,
  found: FoundRows,
  threads: ScoreThreads,
  rows: RowSet,
  first: number,
  end: number,
): Promise<SharedTexts> {
  const slices = divideVectors(found, first, end);
  rows.clear();
  await threads.runAll('markRows', slices);
  const ids = shareTexts(await readIdsOf(table, rows.index(), entry.rows));
  await threads.runAll(
    'rankVectors',
    slices.map((slice) => ({ slice, ids })),
  );
  const queryRanges: { first: number; end: number; ids: SharedTexts }[] = [];
  for (let from = first; from < end; from += PER_TASK)
    queryRanges.push({ first: from, end: Math.min(end, from + PER_TASK), ids });
  await threads.runAll('countHits', queryRanges);
  return ids;
}

/** Divides the vectors of queries [first, end) into tasks, each vector once. */
function divideVectors({ vectorOf, nearest }: FoundRows, first: number, end: number): VectorSlice[] {
  const vectors = Int32Array.from(new Set(vectorOf.subarray(first, end)));
  const slices: VectorSlice[] = [];
  for (let from = 0; from < vectors.length; from += PER_TASK) {
    const own = vectors.slice(from, from + PER_TASK);
    const ties = Array.from(own, (vector) => nearest.ties(vector));
    let tieEnd = 0;
    const tieEnds = Int32Array.from(ties, (rows) => (tieEnd += rows.length));
    slices.push({ vectors: own, tieEnds, tieRows: Float64Array.from(ties.flat()) });
  }
  return slices;
}

/**
 * Divides the hits of queries [first, end) into whole row groups and the rest.
 * @param carried hits of earlier queries, at the beginning of the first group
 */
function divideHits(hitCounts: Int32Array, first: number, end: number, carried: number) {
  const hits = hitCounts.subarray(first, end).reduce((sum, count) => sum + count, 0);
  const groups: HitRange[] = [];
  let position = { query: first, offset: 0 };
  let left = hits;
  for (let wanted = HITS_ROW_GROUP - carried; left >= wanted; wanted = HITS_ROW_GROUP) {
    groups.push({ ...position, count: wanted });
    left -= wanted;
    position = advance(hitCounts, position, wanted);
  }
  return { hits, groups, rest: { ...position, count: left } };
}

function advance(hitCounts: Int32Array, { query, offset }: { query: number; offset: number }, count: number) {
  let at = offset + count;
  let next = query;
  while (next < hitCounts.length && at >= hitCounts[next]!) at -= hitCounts[next++]!;
  return { query: next, offset: at };
}

/** Encodes row groups in threads, a few ahead of the caller. */
async function* encodeInOrder(
  threads: ScoreThreads,
  groups: readonly HitRange[],
  ids: SharedTexts,
  carried: HitPart | undefined,
): AsyncGenerator<Uint8Array> {
  const ahead = 2 * threads.threads.length;
  const running: Promise<Uint8Array>[] = [];
  for (const [i, range] of groups.entries()) {
    const encoded = threads.run('encodeRange', { range, ids, carried: i === 0 ? carried : undefined });
    encoded.catch(() => {}); // awaited below
    running.push(encoded);
    if (running.length >= ahead) yield await running.shift()!;
  }
  for (const encoded of running) yield await encoded;
}

/** Copies columns of texts, one after the other, into shared memory. */
function shareTexts(columns: readonly Utf8Column[]): SharedTexts {
  const count = columns.reduce((sum, { offsets }) => sum + offsets.length - 1, 0);
  const byteLength = columns.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const texts = allocateTexts(count, byteLength);
  let text = 0;
  let at = 0;
  for (const { offsets, bytes } of columns) {
    texts.bytes.set(bytes, at);
    for (let i = 1; i < offsets.length; i++) texts.offsets[++text] = at + offsets[i]!;
    at += bytes.length;
  }
  return texts;
}

function shareIntegers(values: Int32Array): Int32Array {
  const memory = new Int32Array(new SharedArrayBuffer(values.byteLength));
  memory.set(values);
  return memory;
}

function idsOf({ count, id }: QuerySet): Utf8Column {
  return concatenateColumns(
    Array.from({ length: count }, (_, query) => {
      const bytes = id(query);
      return { offsets: Int32Array.of(0, bytes.length), bytes };
    }),
  );
}
