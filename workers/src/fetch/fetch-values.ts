import type { Table } from '@lancedb/lancedb';
import type { Progress } from '../app/progress.ts';
import { KEY_BYTES } from '../base/bytes/key-index.ts';
import { murmur3 } from '../base/bytes/murmur3.ts';
import type { Column } from '../base/columns/column-type.ts';
import { DataError } from '../base/errors.ts';
import { quoteId } from '../base/text/quote.ts';
import { damagedBucket } from '../bucket/open-bucket.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { explainedByChange, findEntryChange, openVersion } from '../database/table-state.ts';
import { takeColumns } from '../lance/take-columns.ts';
import { FETCH_MESSAGES } from './fetch-messages.ts';
import { type FoundRows, findRows, NOT_FOUND } from './find-rows.ts';
import type { TargetGroup, TargetLists } from './target-lists.ts';
import { encodeRecords } from './value-records.ts';
import type { ValueStore } from './value-store.ts';

/** Rows whose values are read at once: a few megabytes. The next are read while these are written. */
const ROWS_PER_TAKE = 8192;

/** What to fetch, and from where. */
export interface FetchTask {
  database: Database;
  entry: CatalogEntry;
  columns: readonly Column[];
  lists: TargetLists;
  store: ValueStore;
  /** Of the neighbours, for messages. */
  path: string;
  /** Counts ids of the bucket. */
  progress: Progress;
}

/**
 * Fetches the values of all targets of a bucket: streams its ids once for each group of targets, then reads the columns of the rows that
 * were found. Of several rows with one id, the first in the table counts.
 * @returns ids of targets whose rows have different values, sorted
 * @throws DataError for a target that the bucket does not have, or a damaged table; TransientError if it was built again meanwhile
 */
export async function fetchValues(task: FetchTask): Promise<string[]> {
  const { database, entry, lists } = task;
  const damaged = async (error: unknown) => {
    throw damagedBucket(database, entry.bucket, await explainedByChange(database, entry, error));
  };
  const table = await openVersion(database, entry).catch(damaged);
  try {
    const ambiguous = new Set<string>();
    for (const group of lists.groups(entry.bucket)) {
      const found = await findRows(table, group, task.progress).catch(damaged);
      requireAll(found.rows, group, task);
      const differing = await storeValues(table, found, group, task).catch(damaged);
      for (const id of idsOf(differing, group, task)) ambiguous.add(id);
    }
    // In place, files may have been replaced while they were read.
    const change = await findEntryChange(database, entry);
    if (change) throw change;
    return [...ambiguous].sort();
  } finally {
    table.close();
  }
}

function requireAll(rows: Float64Array, group: TargetGroup, task: FetchTask): void {
  const missing = rows.indexOf(NOT_FOUND);
  if (missing < 0) return;
  const { entry, database, path } = task;
  const [id] = idsOf(new Set([missing]), group, task);
  throw new DataError(FETCH_MESSAGES.missingTarget(path, id!, entry.bucket, database.uri));
}

/** Returns the ids of targets, for messages. @param wanted their numbers in the group */
function idsOf(wanted: ReadonlySet<number>, { first, targets }: TargetGroup, { lists, entry }: FetchTask): string[] {
  const unseen = new Set(wanted);
  const positions: number[] = [];
  for (let i = 0; i < targets.length && unseen.size > 0; i++) if (unseen.delete(targets[i]!)) positions.push(first + i);
  return Array.from(lists.idsAt(entry.bucket, positions), quoteId);
}

/**
 * Reads the values of found rows in the order of the table, and stores them with their places.
 * @returns numbers of targets whose further rows have other values
 */
async function storeValues(
  table: Table,
  { rows, further }: FoundRows,
  { targets }: TargetGroup,
  { entry, columns, store }: FetchTask,
): Promise<Set<number>> {
  const inTableOrder = Int32Array.from(rows, (_, target) => target).sort((a, b) => rows[a]! - rows[b]!);
  const firstRecords = new Map(further.map(({ target }) => [target, '']));
  const own = columns.filter(({ name }) => entry.columns?.some((column) => column.name === name));
  const offsets = new Float64Array(rows.length);
  const lengths = new Float64Array(rows.length);
  const take = (from: number) => {
    const some = inTableOrder.subarray(from, from + ROWS_PER_TAKE);
    return takeColumns(
      table,
      Float64Array.from(some, (target) => rows[target]!),
      own,
    );
  };
  let next = take(0);
  for (let from = 0; from < inTableOrder.length; from += ROWS_PER_TAKE) {
    const taken = await next;
    if (from + ROWS_PER_TAKE < inTableOrder.length) {
      next = take(from + ROWS_PER_TAKE);
      next.catch(() => {}); // awaited in the next round
    }
    const some = inTableOrder.subarray(from, from + ROWS_PER_TAKE);
    const values = columns.map((column) => taken[own.indexOf(column)]);
    const { bytes, ends } = encodeRecords(values, some.length);
    const first = store.addRecords(bytes);
    for (const [i, target] of some.entries()) {
      const start = i === 0 ? 0 : ends[i - 1]!;
      offsets[target] = first + start;
      lengths[target] = ends[i]! - start;
      if (firstRecords.has(target)) firstRecords.set(target, hashOf(bytes, start, ends[i]!));
    }
  }
  const places = new Float64Array(2 * targets.length);
  for (const [i, target] of targets.entries()) {
    places[2 * i] = offsets[target]!;
    places[2 * i + 1] = lengths[target]!;
  }
  store.addPlaces(entry.bucket, places);
  const differing = new Set<number>();
  const inOrder = further.sort((a, b) => a.row - b.row);
  for (let from = 0; from < inOrder.length; from += ROWS_PER_TAKE) {
    const some = inOrder.slice(from, from + ROWS_PER_TAKE);
    const taken = await takeColumns(
      table,
      Float64Array.from(some, ({ row }) => row),
      own,
    );
    const values = columns.map((column) => taken[own.indexOf(column)]);
    const { bytes, ends } = encodeRecords(values, some.length);
    for (const [i, { target }] of some.entries())
      if (hashOf(bytes, i === 0 ? 0 : ends[i - 1]!, ends[i]!) !== firstRecords.get(target)) differing.add(target);
  }
  return differing;
}

function hashOf(bytes: Uint8Array, start: number, end: number): string {
  const key = new Uint32Array(KEY_BYTES / 4);
  murmur3(bytes, start, end, key, 0);
  return key.join();
}
