import { stat } from 'node:fs/promises';
import { COMPONENT_BYTES, type ShardHeader } from '../../core/shard.ts';
import type { Utf8Column } from '../../core/utf8-column.ts';
import { DataError } from '../../errors.ts';
import type { ShardReader } from './shard-reader.ts';

/** Rows [start, start + rows) of a shard. */
export interface ShardBlock {
  start: number;
  rows: number;
  /** The vectors as stored; valid until the next block is read. */
  vectors: Uint8Array;
  ids: Utf8Column;
}

/** Ids can be long where vectors are short: a block has no more rows than this. */
export const MOST_BLOCK_ROWS = 65_536;

/** Rows whose vectors fill about `blockBytes`. */
export function rowsPerBlock(shard: Pick<ShardHeader, 'dimension' | 'vectorType'>, blockBytes: number): number {
  const rows = Math.floor(blockBytes / (shard.dimension * COMPONENT_BYTES[shard.vectorType]));
  return Math.max(1, Math.min(MOST_BLOCK_ROWS, rows));
}

/**
 * Reads rows [start, end) of a shard block by block into one reused buffer.
 * @throws DataError where the file changes while it is read
 */
export async function* readBlocks(
  shard: ShardReader,
  { start = 0, end = shard.rows, blockRows }: { start?: number; end?: number; blockRows: number },
): AsyncGenerator<ShardBlock> {
  const before = await stat(shard.path);
  const rowBytes = shard.dimension * COMPONENT_BYTES[shard.vectorType];
  const buffer = new Uint8Array(Math.min(blockRows, end - start) * rowBytes);
  for (let at = start; at < end; at += blockRows) {
    const rows = Math.min(blockRows, end - at);
    shard.readVectors(at, rows, buffer);
    yield { start: at, rows, vectors: buffer.subarray(0, rows * rowBytes), ids: shard.readIds(at, rows) };
  }
  const after = await stat(shard.path);
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs)
    throw new DataError(`${shard.path}: the file changed while it was read. Run again when nothing writes to it.`);
}
