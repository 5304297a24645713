import type { Column } from '../base/columns/column-type.ts';
import type { DataError } from '../base/errors.ts';
import type { PlanSource } from '../database/catalog/bucket-plan.ts';
import { openShard, type ShardReader } from '../shard/shard-reader.ts';
import type { VectorType } from '../vectors/vector-type.ts';
import { changedColumn, otherDimension, otherRowCount, otherVectorType } from './ingest-messages.ts';

/** Whether a source is all of its shard. Of a part, only the shape can be compared with the plan: the hash is that of the whole. */
export function isWhole({ start, end, rows }: PlanSource): boolean {
  return end - start === rows;
}

/** The type that holds the vectors of all sources as they are. */
export function commonType(sources: readonly PlanSource[]): VectorType {
  return sources.every(({ vectorType }) => vectorType === 'float16') ? 'float16' : 'float32';
}

/**
 * Opens the shard of a source.
 * @param columns that are read with the rows
 * @throws DataError where it is not what the plan says
 */
export async function openPlanned(
  source: PlanSource,
  dimension: number,
  columns: readonly Column[] = [],
): Promise<ShardReader> {
  const names = columns.map(({ name }) => name);
  const shard = await openShard(source.path, {}, names);
  const change = findChange(source, shard, dimension) ?? findColumnChange(source, shard.columns, columns);
  if (!change) return shard;
  shard.close();
  throw change;
}

function findChange(source: PlanSource, shard: ShardReader, dimension: number): DataError | undefined {
  if (shard.dimension !== dimension) return otherDimension(source, shard.dimension, dimension);
  if (shard.rows !== source.rows) return otherRowCount(source, shard.rows);
  if (shard.vectorType !== source.vectorType) return otherVectorType(source, shard.vectorType);
  return undefined;
}

function findColumnChange(
  source: PlanSource,
  found: readonly Column[],
  planned: readonly Column[],
): DataError | undefined {
  for (const [i, { name, type }] of planned.entries())
    if (found[i]?.name !== name || found[i].type !== type) return changedColumn(source, name, type);
  return undefined;
}
