import type { Column, ColumnType } from '../base/columns/column-type.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import { modelIdentity } from '../shard/shard.ts';

type Grouped = Pick<CatalogEntry, 'bucket' | 'rows' | 'metric' | 'dimension' | 'vectorType' | 'model' | 'columns'>;

/**
 * Groups small buckets that can be merged: of one metric, dimension, vector type and model, and without columns of one name and two types.
 * @param below buckets with fewer rows are small @param bucketSize rows of a group at most
 * @returns names of each group of two or more, in their order
 */
export function groupSmall(entries: readonly Grouped[], below: number, bucketSize: number): string[][] {
  const typesOf = new Map<string, Set<ColumnType>>();
  for (const { name, type } of entries.flatMap((entry) => entry.columns ?? []))
    typesOf.set(name, (typesOf.get(name) ?? new Set()).add(type));
  const isContested = ({ name }: Column) => typesOf.get(name)!.size > 1;
  const kindOf = ({ metric, dimension, vectorType, model, columns: own = [] }: Grouped) =>
    JSON.stringify([metric, dimension, vectorType, modelIdentity(model) ?? '', own.filter(isContested)]);
  const small = entries.filter(({ rows }) => rows > 0 && rows < below);
  return [...Map.groupBy(small, kindOf).values()].flatMap((kind) => fill(kind, bucketSize));
}

/** Fills groups with buckets, the smallest first. */
function fill(entries: readonly Grouped[], bucketSize: number): string[][] {
  const groups: string[][] = [];
  let rowsOfLast = Number.POSITIVE_INFINITY;
  for (const { bucket, rows } of [...entries].sort((a, b) => a.rows - b.rows)) {
    if (rowsOfLast + rows > bucketSize) {
      groups.push([]);
      rowsOfLast = 0;
    }
    groups.at(-1)!.push(bucket);
    rowsOfLast += rows;
  }
  return groups.filter(({ length }) => length > 1).map((group) => group.sort());
}
