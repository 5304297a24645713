import { stat } from 'node:fs/promises';
import { decodeFloat16 } from '../base/bytes/float16.ts';
import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import { COMPONENT_BYTES } from '../vectors/vector-type.ts';
import type { ShardHeader } from './shard.ts';
import { shardChanged } from './shard-messages.ts';
import type { ShardReader, ShardRows } from './shard-reader.ts';
import type { RowRange } from './shard-worker.ts';

/** Rows [start, start + rows) of a shard. */
export interface ShardBlock {
  start: number;
  rows: number;
  /** The vectors as stored; valid until the next block is read. */
  vectors: Uint8Array;
  ids: Utf8Column;
  /** Cells of the kept columns. */
  kept: Utf8Column[];
}

/** Maximum row count of a block, because ids can be long even if vectors are short. */
export const MAX_BLOCK_ROWS = 65_536;

/** Returns the count of rows whose vectors fill about `blockBytes`. */
export function rowsPerBlock(shard: Pick<ShardHeader, 'dimension' | 'vectorType'>, blockBytes: number): number {
  const rows = Math.floor(blockBytes / (shard.dimension * COMPONENT_BYTES[shard.vectorType]));
  return Math.max(1, Math.min(MAX_BLOCK_ROWS, rows));
}

/**
 * Reads rows [start, end) of a shard in blocks of `blockRows` rows, or fewer if ids or kept columns are long. While a block is used, the next one is
 * read into the other of two buffers.
 * @throws DataError if the file changes while it is read
 */
export async function* readBlocks(
  shard: ShardReader,
  { start = 0, end = shard.rows, blockRows }: { start?: number; end?: number; blockRows: number },
): AsyncGenerator<ShardBlock> {
  const before = await stat(shard.path);
  const rowBytes = shard.dimension * COMPONENT_BYTES[shard.vectorType];
  const newBuffer = () => new ArrayBuffer(Math.min(blockRows, end - start) * rowBytes);
  const read = (at: number, into: ArrayBuffer) => {
    const rows = shard.readRows(at, Math.min(blockRows, end - at), into);
    rows.catch(() => {}); // awaited below; an unhandled rejection would stop the process first
    return rows;
  };
  let next: Promise<ShardRows> | undefined = start < end ? read(start, newBuffer()) : undefined;
  let spare: ArrayBuffer | undefined;
  for (let at = start; next; ) {
    const { rows, vectors, ...columns } = await next;
    next = at + rows < end ? read(at + rows, spare ?? newBuffer()) : undefined;
    yield { start: at, rows, vectors: new Uint8Array(vectors, 0, rows * rowBytes), ...columns };
    spare = vectors;
    at += rows;
  }
  const after = await stat(shard.path);
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) throw shardChanged(shard.path);
}

/**
 * Reads the vectors of row ranges, in order, in blocks of as many ranges as fit into `blockBytes`, but at least one. Reads no ids, and
 * does not detect a file that changes meanwhile.
 */
export async function* readRanges(
  shard: ShardReader,
  ranges: Iterable<RowRange>,
  blockBytes: number,
): AsyncGenerator<Pick<ShardBlock, 'rows' | 'vectors'>> {
  const rowBytes = shard.dimension * COMPONENT_BYTES[shard.vectorType];
  let buffer = new ArrayBuffer(0);
  for (const group of groupsOf(ranges, blockBytes / rowBytes)) {
    const rows = group.reduce((sum, { count }) => sum + count, 0);
    if (buffer.byteLength < rows * rowBytes) buffer = new ArrayBuffer(rows * rowBytes);
    buffer = await shard.readVectors(group, buffer);
    yield { rows, vectors: new Uint8Array(buffer, 0, rows * rowBytes) };
  }
}

function* groupsOf(ranges: Iterable<RowRange>, maxRows: number): Generator<RowRange[]> {
  let group: RowRange[] = [];
  let rows = 0;
  for (const range of ranges) {
    if (rows > 0 && rows + range.count > maxRows) {
      yield group;
      group = [];
      rows = 0;
    }
    group.push(range);
    rows += range.count;
  }
  if (rows > 0) yield group;
}

/** Returns the vectors of a block as float32: decoded, or a view of stored float32 that is valid until the next block is read. */
export function toFloat32(shard: ShardReader, block: Pick<ShardBlock, 'rows' | 'vectors'>): Float32Array {
  const { buffer, byteOffset } = block.vectors;
  const components = block.rows * shard.dimension;
  if (shard.vectorType === 'float32') return new Float32Array(buffer, byteOffset, components);
  const decoded = new Float32Array(components);
  decodeFloat16(new Uint16Array(buffer, byteOffset, components), decoded, components);
  return decoded;
}
