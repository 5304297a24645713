import type { Column } from '../base/columns/column-type.ts';
import type { VectorType } from '../vectors/vector-type.ts';

/** Attributes of a shard's `embedding` dataset, which describe the origin of its vectors. */
export type ShardAttributes = Record<string, string | number>;

/** The facts about a shard that are known without reading its rows. */
export interface ShardHeader {
  path: string;
  rows: number;
  /** Components of a vector, D. */
  dimension: number;
  vectorType: VectorType;
  attributes: ShardAttributes;
  /** Columns that are kept beside vectors and ids; none unless they were asked for. */
  columns: readonly Column[];
}

/**
 * Returns the identity of the model that created a shard, which must be equal in database and queries. Shards without attributes
 * (written by other tools) have none and fit any database of their dimension.
 */
export function modelIdentity(attributes: ShardAttributes): string | undefined {
  const { model, model_hash } = attributes;
  if (model === undefined) return undefined;
  return model_hash === undefined ? String(model) : `${model}@${model_hash}`;
}
