import type { DataError } from '../base/errors.ts';
import type { PlanSource } from '../database/catalog/plan.ts';
import { openShard, type ShardReader } from '../shard/shard-reader.ts';
import type { VectorType } from '../vectors/vector-type.ts';
import { otherDimension, otherRowCount, otherVectorType } from './ingest-messages.ts';

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
 * @throws DataError where it is not what the plan says
 */
export async function openPlanned(source: PlanSource, dimension: number): Promise<ShardReader> {
  const shard = await openShard(source.path);
  const change = findChange(source, shard, dimension);
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
