import type { VectorType } from '../vectors/vector-type.ts';
/** Attributes of a shard's `embedding` dataset that say how its vectors were made. */
export type ShardAttributes = Record<string, string | number>;

/** What can be known of a shard without reading its rows. */
export interface ShardHeader {
  path: string;
  rows: number;
  /** Components of a vector, D. */
  dimension: number;
  vectorType: VectorType;
  attributes: ShardAttributes;
}

/**
 * Names the model that made a shard, as it is compared between database and queries.
 * Shards that carry no attributes (written by other tools) have none and fit any database of their dimension.
 */
export function modelIdentity(attributes: ShardAttributes): string | undefined {
  const { model, model_hash } = attributes;
  if (model === undefined) return undefined;
  return model_hash === undefined ? String(model) : `${model}@${model_hash}`;
}
