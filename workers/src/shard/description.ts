import * as z from 'zod/mini';
import { DataError } from '../base/errors.ts';
import {
  AMOUNT,
  ATTRIBUTES,
  COUNT,
  checkDocument,
  choice,
  isRecord,
  parseJson,
  parseVersion1,
  SIZE,
  TEXT,
  textWhere,
} from '../base/text/document.ts';
import { VECTOR_TYPES } from '../vectors/vector-type.ts';

/** See `ContentHash`. */
export const CONTENT_HASH = textWhere((text) => /^[0-9a-f]{64}$/.test(text), '64 hexadecimal digits');

/** What packing needs to know of a shard, so that its vectors are read but once, by whoever makes or first sees it. */
export type ShardDescription = z.infer<typeof SHARD_DESCRIPTION>;
const SHARD_DESCRIPTION = z.object({
  version: z.literal(1),
  /** Where the shard was when it was described. */
  path: TEXT,
  /** What messages, plans and catalog entries call it: where it came from. */
  name: TEXT,
  /** Size and time of the file then: a file that differs was changed since. */
  fileBytes: COUNT,
  modifiedMs: AMOUNT,
  rows: SIZE,
  /** Components of a vector, D. */
  dimension: SIZE,
  vectorType: choice(VECTOR_TYPES),
  attributes: ATTRIBUTES,
  contentHash: CONTENT_HASH,
});

/** The first line of a description's file. @throws DataError naming the file where it is not one */
export function parseShardDescription(line: string, path: string): ShardDescription {
  const value = parseJson(line);
  if (!isRecord(value) || !('contentHash' in value))
    throw new DataError(`${path}: neither an HDF5 file nor a description of one (lanceflow describe-shard).`);
  const fail = (problem: string) => damagedDescription(path, problem);
  return checkDocument(SHARD_DESCRIPTION, parseVersion1(line, path, 'shard description', fail), fail);
}

export function damagedDescription(path: string, problem: string): DataError {
  return new DataError(`${path}: the shard's description is damaged: ${problem}. Run lanceflow describe-shard again.`);
}
