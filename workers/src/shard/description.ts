import * as z from 'zod/mini';
import { COLUMN_NAME, COLUMN_TYPES, isColumnName } from '../base/columns/column-type.ts';
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
import { damagedDescription, notADescription } from './shard-messages.ts';

/** See `ContentHash`. */
export const CONTENT_HASH = textWhere((text) => /^[0-9a-f]{64}$/.test(text), '64 hexadecimal digits');

/** A kept column. */
export const COLUMN = z.object({
  name: textWhere(isColumnName, `a column's name: ${COLUMN_NAME}`),
  type: choice(COLUMN_TYPES),
});
export const COLUMNS = z
  .array(COLUMN)
  .check(
    z.refine(
      (columns) => new Set(columns.map(({ name }) => name)).size === columns.length,
      'columns of different names',
    ),
  );

/** What descriptions and plans have of a shard whose columns are kept. */
export const COLUMNS_OF_SHARD = {
  columns: z.optional(COLUMNS),
  /** Bytes of all kept columns. */
  columnBytes: z.optional(COUNT),
  /** See `ContentHash`: the hash that the shard has where no column is kept. */
  rowHash: z.optional(CONTENT_HASH),
};

/** The facts about a shard that packing needs. With them, its vectors are read only once: when it is written or first described. */
export type ShardDescription = z.infer<typeof SHARD_DESCRIPTION>;
const SHARD_DESCRIPTION = z.object({
  version: z.literal(1),
  /** The path of the shard when it was described. */
  path: TEXT,
  /** Its name in messages, plans and catalog entries: the path that the user passed. */
  name: TEXT,
  /** Size and modification time when it was described, which reveal a changed file. */
  fileBytes: COUNT,
  modifiedMs: AMOUNT,
  /** 0 for sequences of which none was left to embed. */
  rows: COUNT,
  /** Components of a vector, D. */
  dimension: SIZE,
  vectorType: choice(VECTOR_TYPES),
  attributes: ATTRIBUTES,
  contentHash: CONTENT_HASH,
  ...COLUMNS_OF_SHARD,
});

/** Parses the first line of a description. @throws DataError if the file is not a description, or damaged */
export function parseShardDescription(line: string, path: string): ShardDescription {
  const value = parseJson(line);
  if (!isRecord(value) || !('contentHash' in value)) throw notADescription(path);
  const fail = (problem: string) => damagedDescription(path, problem);
  return checkDocument(SHARD_DESCRIPTION, parseVersion1(line, path, 'shard description', fail), fail);
}
