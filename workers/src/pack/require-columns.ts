import type { Column } from '../base/columns/column-type.ts';
import { noSuchColumn } from '../shard/columns/column-messages.ts';
import type { Keep } from '../shard/columns/keep.ts';
import type { DescribedShard } from '../shard/description-file.ts';
import { openDescription } from '../shard/open-description.ts';
import { openShard } from '../shard/shard-reader.ts';
import type { KnownBucket } from './known-bucket.ts';
import type { PackInput } from './pack-inputs.ts';
import { columnTwice, otherColumnType } from './pack-messages.ts';

/**
 * Checks that a column has one type in all shards and in the database, and that every named column is in a shard.
 * @throws DataError that names the shard and the column
 */
export function requireColumns(
  inputs: readonly PackInput[],
  shards: readonly DescribedShard[],
  entries: readonly KnownBucket[],
  keep: Keep,
): void {
  const known = new Map<string, Column & { where: string }>();
  const add = (column: Column, where: string) => {
    const other = known.get(column.name);
    if (other && other.type !== column.type) throw otherColumnType(where, column, other);
    if (!other) known.set(column.name, { ...column, where });
  };
  for (const { bucket, columns = [] } of entries) for (const column of columns) add(column, bucket);
  const found = new Set<string>();
  for (const [i, { path, columns }] of shards.entries()) {
    const names = new Set(columns.map(({ name }) => name));
    for (const name of Object.keys(inputs[i]!.values ?? {})) {
      if (names.has(name)) throw columnTwice(path, name);
      add({ name, type: 'utf8' }, path);
      found.add(name);
    }
    for (const column of columns) {
      add(column, path);
      found.add(column.name);
    }
  }
  requireFound(keep, found, [...found]);
}

/**
 * Checks that every named column is in a shard, by the headers alone: reading all rows first may take hours. Descriptions are checked when they
 * are read.
 * @throws DataError that lists the columns of the shards
 */
export async function requireNamedColumns(inputs: readonly PackInput[], keep: Keep): Promise<void> {
  if (typeof keep === 'string' || keep.length === 0) return;
  const found = new Set(inputs.flatMap(({ values = {} }) => Object.keys(values)));
  for (const { path } of inputs) {
    if (keep.every((name) => found.has(name))) return;
    if (await openDescription(path)) return;
    for (const { name } of await columnsOfShard(path, keep)) found.add(name);
  }
  const all = await Promise.all(inputs.slice(0, MOST_LISTED).map(({ path }) => columnsOfShard(path, 'possible')));
  requireFound(keep, found, [...new Set([...found, ...all.flat().map(({ name }) => name)])]);
}

/** Shards whose columns a message lists. */
const MOST_LISTED = 20;

async function columnsOfShard(path: string, keep: Keep): Promise<readonly Column[]> {
  const shard = await openShard(path, {}, keep);
  shard.close();
  return shard.columns;
}

function requireFound(keep: Keep, found: ReadonlySet<string>, listed: readonly string[]): void {
  const missing = typeof keep === 'string' ? [] : keep.filter((name) => !found.has(name));
  if (missing.length > 0) throw noSuchColumn(missing, listed);
}
