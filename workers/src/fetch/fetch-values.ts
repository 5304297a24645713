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
import { readIds } from '../lance/read-table.ts';
import { takeColumns } from '../lance/take-columns.ts';
import { FETCH_MESSAGES } from './fetch-messages.ts';
import type { TargetGroup, TargetLists } from './target-lists.ts';
import { encodeRecords } from './value-records.ts';
import type { ValueStore } from './value-store.ts';

/** Rows whose values are read at once: a few megabytes. The next are read while these are written. */
const ROWS_PER_TAKE = 8192;
const NOT_FOUND = -1;

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
 * @returns targets with several rows
 * @throws DataError for a target that the bucket does not have, or a damaged table; TransientError if it was built again meanwhile
 */
export async function fetchValues(task: FetchTask): Promise<number> {
  const { database, entry, lists } = task;
  const damaged = async (error: unknown) => {
    throw damagedBucket(database, entry.bucket, await explainedByChange(database, entry, error));
  };
  const table = await openVersion(database, entry).catch(damaged);
  try {
    let repeated = 0;
    for (const group of lists.groups(entry.bucket)) {
      const found = await findRows(table, group, task.progress).catch(damaged);
      repeated += found.repeated;
      requireAll(found.rows, group, task);
      await storeValues(table, found.rows, group, task).catch(damaged);
    }
    // In place, files may have been replaced while they were read.
    const change = await findEntryChange(database, entry);
    if (change) throw change;
    return repeated;
  } finally {
    table.close();
  }
}

/** Finds the row of each target. @returns row ids by number of the target, and how many targets have several */
async function findRows(table: Table, { numbers }: TargetGroup, progress: Progress) {
  const rows = new Float64Array(numbers.size).fill(NOT_FOUND);
  const isRepeated = new Uint8Array(numbers.size);
  const key = new Uint32Array(KEY_BYTES / 4);
  for await (const { ids, rowIds } of readIds(table)) {
    for (let i = 0; i < rowIds.length; i++) {
      murmur3(ids.bytes, ids.offsets[i]!, ids.offsets[i + 1]!, key, 0);
      const target = numbers.get(key, 0);
      if (target === undefined) continue;
      if (rows[target] !== NOT_FOUND) isRepeated[target] = 1;
      if (rows[target] === NOT_FOUND || rowIds[i]! < rows[target]!) rows[target] = rowIds[i]!;
    }
    progress.add(rowIds.length);
  }
  return { rows, repeated: isRepeated.reduce((sum, one) => sum + one, 0) };
}

function requireAll(rows: Float64Array, { first, targets }: TargetGroup, task: FetchTask): void {
  const missing = rows.indexOf(NOT_FOUND);
  if (missing < 0) return;
  const { lists, entry, database, path } = task;
  const id = quoteId(lists.idAt(entry.bucket, first + targets.indexOf(missing)));
  throw new DataError(FETCH_MESSAGES.missingTarget(path, id, entry.bucket, database.uri));
}

/** Reads the values of found rows in the order of the table, and stores them with their places. */
async function storeValues(
  table: Table,
  rows: Float64Array,
  { targets }: TargetGroup,
  { entry, columns, store }: FetchTask,
): Promise<void> {
  const inTableOrder = Int32Array.from(rows, (_, target) => target).sort((a, b) => rows[a]! - rows[b]!);
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
    }
  }
  const places = new Float64Array(2 * targets.length);
  for (const [i, target] of targets.entries()) {
    places[2 * i] = offsets[target]!;
    places[2 * i + 1] = lengths[target]!;
  }
  store.addPlaces(entry.bucket, places);
}
