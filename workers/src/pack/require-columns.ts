import type { Column } from '../base/columns/column-type.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import type { Keep } from '../shard/columns/keep.ts';
import type { DescribedShard } from '../shard/description-file.ts';
import type { PackInput } from './pack-inputs.ts';
import { columnTwice, noSuchColumn, otherColumnType } from './pack-messages.ts';

/**
 * Checks that a column has one type in all shards and in the database, and that every named column is in a shard.
 * @throws DataError that names the shard and the column
 */
export function requireColumns(
  inputs: readonly PackInput[],
  shards: readonly DescribedShard[],
  entries: readonly CatalogEntry[],
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
  const missing = typeof keep === 'string' ? undefined : keep.find((name) => !found.has(name));
  if (missing !== undefined) throw noSuchColumn(missing, [...found]);
}
