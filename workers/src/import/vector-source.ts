import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import type { Column } from '../base/columns/column-type.ts';
import type { ShardAttributes } from '../shard/shard.ts';
import type { VectorType } from '../vectors/vector-type.ts';

/** Consecutive rows of a file. */
export interface SourceBlock {
  /** [ids, D] */
  vectors: Float32Array;
  ids: Utf8Column;
  /** Cells of the kept columns. */
  kept?: readonly Utf8Column[];
}

/** A file of vectors that is open. */
export interface VectorSource extends AsyncDisposable {
  rows: number;
  dimension: number;
  /** The type that holds the vectors as they are, or as they are converted. */
  vectorType: VectorType;
  attributes: ShardAttributes;
  /** Kept columns; default: none. */
  columns?: readonly Column[];
  /** What the user should know about the file. Reading blocks can add to it. */
  notes: string[];
  /** Reads all rows, in order. @throws DataError naming the row that is wrong */
  blocks(): AsyncGenerator<SourceBlock>;
}

/** A file of ids. */
export interface IdFile {
  /** Reads all ids, in order. @throws DataError */
  ids(): AsyncGenerator<string>;
  /** What the user should know about the file. */
  notes: string[];
}

/** Bytes of the vectors of a block, as float32. */
export const BLOCK_BYTES = 8 * 2 ** 20;
