import { stat } from 'node:fs/promises';
import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import { DataError } from '../base/errors.ts';
import { COMPONENT_BYTES } from '../vectors/vector-type.ts';
import type { ShardHeader } from './shard.ts';
import type { ShardReader, ShardRows } from './shard-reader.ts';
import type { RowRange } from './shard-worker.ts';

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
 * Reads rows [start, end) of a shard block by block, of `blockRows` rows, or fewer where ids are long. While a block is used,
 * the next one is read: there are two buffers.
 * @throws DataError where the file changes while it is read
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
    rows.catch(() => {}); // awaited below; an early failure must not end the process first
    return rows;
  };
  let next: Promise<ShardRows> | undefined = start < end ? read(start, newBuffer()) : undefined;
  let spare: ArrayBuffer | undefined;
  for (let at = start; next; ) {
    const { rows, ids, vectors } = await next;
    next = at + rows < end ? read(at + rows, spare ?? newBuffer()) : undefined;
    yield { start: at, rows, vectors: new Uint8Array(vectors, 0, rows * rowBytes), ids };
    spare = vectors;
    at += rows;
  }
  const after = await stat(shard.path);
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs)
    throw new DataError(`${shard.path}: the file changed while it was read. Run again when nothing writes to it.`);
}

/**
 * Reads the vectors of ranges of rows, in their order, as many ranges at once as fill `blockBytes`, at least one. There are no ids,
 * and a file that changes meanwhile is not noticed.
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

function* groupsOf(ranges: Iterable<RowRange>, mostRows: number): Generator<RowRange[]> {
  let group: RowRange[] = [];
  let rows = 0;
  for (const range of ranges) {
    if (rows > 0 && rows + range.count > mostRows) {
      yield group;
      group = [];
      rows = 0;
    }
    group.push(range);
    rows += range.count;
  }
  if (rows > 0) yield group;
}
