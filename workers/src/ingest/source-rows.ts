import { DataError } from '../base/errors.ts';
import type { PlanSource } from '../database/catalog/plan.ts';
import { openShard, type ShardReader } from '../shard/shard-reader.ts';
import type { VectorType } from '../vectors/vector-type.ts';

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
  const problem = findChange(source, shard, dimension);
  if (problem === undefined) return shard;
  shard.close();
  throw changedShard(source, problem);
}

function findChange(source: PlanSource, shard: ShardReader, dimension: number): string | undefined {
  if (shard.dimension !== dimension) return `vectors of ${shard.dimension} components; the plan says ${dimension}`;
  if (shard.rows !== source.rows) return `${shard.rows} rows; the plan says ${source.rows}`;
  if (shard.vectorType !== source.vectorType)
    return `vectors of ${shard.vectorType}; the plan says ${source.vectorType}`;
  return undefined;
}

/** The error for a shard that is not the one that was planned. */
export function changedShard({ path }: Pick<PlanSource, 'path'>, problem: string): DataError {
  return new DataError(`${path}: ${problem}. The shard has changed since it was planned; plan again.`);
}

/** What `changedShard` says where the content hash differs. */
export const OTHER_ROWS = 'its rows are not those of the plan';
