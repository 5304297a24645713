import type { Table } from '@lancedb/lancedb';
import type { Progress } from '../../app/progress.ts';
import {
  columnBytes,
  columnLength,
  columnSlice,
  concatenateColumns,
  type Utf8Column,
} from '../../base/bytes/utf8-column.ts';
import { damagedBucket } from '../../bucket/open-bucket.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { Database } from '../../database/database.ts';
import { explainedByChange, openVersion } from '../../database/table-state.ts';
import type { WantedIds } from '../../ids/wanted-ids.ts';
import { readIds, takeVectors } from '../../lance/read-table.ts';
import { createShard } from '../../shard/shard-writer.ts';

/** Vectors are taken from a table and written this many bytes at a time. */
const TAKE_BYTES = 16 * 2 ** 20;

/** Vectors of given ids, from one bucket. */
interface FoundQueries {
  bucket: string;
  ids: Utf8Column;
  /** [ids, D] */
  vectors: Float32Array;
}

/**
 * Reads the vectors of given ids, some at a time. The tables' id columns are streamed, the newest bucket's first, until all ids are
 * found; memory grows with the ids, not with the tables.
 */
export async function* readQueries(
  database: Database,
  entries: readonly CatalogEntry[],
  wanted: WantedIds,
  progress: Progress,
): AsyncGenerator<FoundQueries> {
  for (const entry of newestFirst(entries)) {
    if (wanted.missingCount === 0) return;
    yield* readFrom(database, entry, wanted, progress);
  }
}

/** Looks up ids without their vectors: `wanted` then knows which of them the database does not have. */
export async function findIds(
  database: Database,
  entries: readonly CatalogEntry[],
  wanted: WantedIds,
  progress: Progress,
): Promise<void> {
  for (const entry of newestFirst(entries)) {
    if (wanted.missingCount === 0) return;
    const damaged = damagedIn(database, entry);
    const table = await openVersion(database, entry).catch(damaged);
    await findRows(table, wanted, progress)
      .catch(damaged)
      .finally(() => table.close());
  }
}

function newestFirst(entries: readonly CatalogEntry[]): CatalogEntry[] {
  return [...entries].sort((a, b) => (a.bucket < b.bucket ? 1 : -1));
}

/** Returns a function that throws the error of a bucket that cannot be read. */
export function damagedIn(database: Database, entry: CatalogEntry): (error: unknown) => Promise<never> {
  return async (error) => {
    throw damagedBucket(database, entry.bucket, await explainedByChange(database, entry, error));
  };
}

/**
 * Writes the vectors of given ids into a shard.
 * @param output a temporary name
 * @returns vectors found, and their count in each bucket
 */
export async function fetchQueries(
  database: Database,
  entries: readonly CatalogEntry[],
  wanted: WantedIds,
  output: string,
  progress: Progress,
): Promise<{ rows: number; buckets: Record<string, number> }> {
  const { dimension, model } = entries.reduce((newest, entry) => (entry.bucket > newest.bucket ? entry : newest));
  const shard = await createShard(output, dimension);
  const buckets: Record<string, number> = {};
  try {
    for await (const { bucket, ids, vectors } of readQueries(database, entries, wanted, progress)) {
      shard.append(vectors, ids);
      buckets[bucket] = (buckets[bucket] ?? 0) + columnLength(ids);
    }
    const { rows } = shard;
    shard.finish(model);
    return { rows, buckets };
  } catch (error) {
    await shard.abandon();
    throw error;
  }
}

async function* readFrom(
  database: Database,
  entry: CatalogEntry,
  wanted: WantedIds,
  progress: Progress,
): AsyncGenerator<FoundQueries> {
  const damaged = damagedIn(database, entry);
  const table = await openVersion(database, entry).catch(damaged);
  try {
    const found = await findRows(table, wanted, progress).catch(damaged);
    const step = Math.max(1, Math.floor(TAKE_BYTES / (entry.dimension * 4)));
    for (let at = 0; at < found.rows.length; at += step) {
      const rows = found.rows.slice(at, at + step);
      const vectors = await takeVectors(table, rows).catch(damaged);
      yield { bucket: entry.bucket, ids: columnSlice(found.ids, at, at + rows.length), vectors };
    }
  } finally {
    table.close();
  }
}

/** Finds the rows of wanted ids in a table, in ascending order of its row ids. */
async function findRows(
  table: Table,
  wanted: WantedIds,
  progress: Progress,
): Promise<{ rows: number[]; ids: Utf8Column }> {
  const found: { row: number; id: Uint8Array }[] = [];
  for await (const { ids, rowIds } of readIds(table)) {
    for (const row of wanted.find(ids)) found.push({ row: rowIds[row]!, id: columnBytes(ids, row).slice() });
    progress.add(rowIds.length);
    if (wanted.missingCount === 0) break;
  }
  found.sort((a, b) => a.row - b.row);
  const ids = concatenateColumns(found.map(({ id }) => ({ offsets: Int32Array.of(0, id.length), bytes: id })));
  return { rows: found.map(({ row }) => row), ids };
}
