/**
 * Types of the columns that a table keeps beside `embedding` and `id`: text, integers of 64 bits, floating-point numbers of 64 bits.
 * Rows of each may be null.
 */
export const COLUMN_TYPES = ['utf8', 'int64', 'float64'] as const;
export type ColumnType = (typeof COLUMN_TYPES)[number];

/** Names that tables, hits and neighbours use themselves. */
const RESERVED = new Set([
  ...['embedding', 'id', 'query_id', 'target_id', 'rank', 'distance', 'bucket', 'evalue', 'vector'],
  ...['identity', 'query_coverage', 'target_coverage', 'bits', 'alignment_evalue'],
]);
const MAX_NAME = 64;

/** Returns whether a column may have a name: a name of SQL that needs no quotes, and that results do not use. */
export function isColumnName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]*$/.test(name) && name.length <= MAX_NAME && !RESERVED.has(name.toLowerCase());
}

/** What a column may be called, for messages. */
export const COLUMN_NAME = `letters, digits and _, a letter first, at most ${MAX_NAME}, and no name of LanceFlow's own columns`;

/** A kept column: its schema in documents is in shard/description.ts. */
export interface Column {
  name: string;
  type: ColumnType;
}
