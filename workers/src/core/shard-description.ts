import { DataError } from '../errors.ts';
import { isCount, isRecord, parseJson } from './json-check.ts';
import { COMPONENT_BYTES, type ShardAttributes, type VectorType } from './shard.ts';

/** What packing needs to know of a shard, so that its vectors are read but once, by whoever makes or first sees it. */
export interface ShardDescription {
  version: 1;
  /** Where the shard was when it was described. */
  path: string;
  /** What messages, plans and catalog entries call it: where it came from. */
  name: string;
  /** Size and time of the file then: a file that differs was changed since. */
  fileBytes: number;
  modifiedMs: number;
  rows: number;
  /** Components of a vector, D. */
  dimension: number;
  vectorType: VectorType;
  attributes: ShardAttributes;
  /** See `ContentHash`. */
  contentHash: string;
}

const CHECKS: { [field in Exclude<keyof ShardDescription, 'version'>]: (value: unknown) => boolean } = {
  path: (value) => typeof value === 'string',
  name: (value) => typeof value === 'string',
  fileBytes: isCount,
  modifiedMs: (value) => typeof value === 'number',
  rows: (value) => isCount(value) && value > 0,
  dimension: (value) => isCount(value) && value > 0,
  vectorType: (value) => typeof value === 'string' && Object.hasOwn(COMPONENT_BYTES, value),
  attributes: (value) =>
    isRecord(value) && Object.values(value).every((one) => typeof one === 'string' || typeof one === 'number'),
  contentHash: (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
};

/** The first line of a description's file. @throws DataError naming the file where it is not one */
export function parseShardDescription(line: string, path: string): ShardDescription {
  const value = parseJson(line);
  if (!isRecord(value) || !('contentHash' in value))
    throw new DataError(`${path}: neither an HDF5 file nor a description of one (lanceflow describe-shard).`);
  if (isCount(value.version) && value.version > 1)
    throw new DataError(`${path}: version ${value.version} of shard descriptions needs a newer LanceFlow.`);
  const wrong =
    value.version !== 1 ? 'version' : Object.entries(CHECKS).find(([field, check]) => !check(value[field]))?.[0];
  if (wrong !== undefined) throw damagedDescription(path, `"${wrong}" is wrong or missing`);
  return value as unknown as ShardDescription;
}

export function damagedDescription(path: string, problem: string): DataError {
  return new DataError(`${path}: the shard's description is damaged: ${problem}. Run lanceflow describe-shard again.`);
}
