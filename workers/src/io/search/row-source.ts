import type { Table } from '@lancedb/lancedb';
import type { CatalogEntry } from '../../core/catalog.ts';
import { decodeFloat16 } from '../../core/float16.ts';
import { COMPONENT_BYTES } from '../../core/shard.ts';
import { readTable } from '../lance/read-table.ts';
import type { RangeFile, TableStore } from '../table-store.ts';
import type { OpenBucket } from './open-bucket.ts';

/** Rows [first, end) of a table, in its order. */
export interface RowSpan {
  first: number;
  end: number;
}

/** Rows of one span, with where they are in the table. */
export interface LocatedBlock<S extends RowSpan = RowSpan> {
  span: S;
  /** [rows, D] */
  vectors: Float32Array;
  /** LanceDB's row ids; more than rows. */
  rowIds: Float64Array;
  /** Gives the buffers back for the rows that are read next. */
  release(): void;
}

/** Reads spans of a table's rows, ascending, as blocks; a span larger than a block comes in several. */
export interface RowSource {
  blocks<S extends RowSpan>(spans: Iterable<S>): AsyncGenerator<LocatedBlock<S>>;
  close(): Promise<void>;
}

/** A table, and what must be known of it to read its rows. */
export interface StoredRows {
  database: Pick<OpenBucket['database'], 'tables'>;
  table: Table;
  entry: Pick<CatalogEntry, 'bucket' | 'dimension' | 'vectorType' | 'fragments'>;
}

/**
 * Reads rows straight from the table's data files where the catalog says how they lie there, at the speed of the disk;
 * through LanceDB otherwise.
 * @param rooms for blocks [most rows, D], all of one size: as many are in use at once
 */
export function openRowSource({ database, table, entry }: StoredRows, rooms: readonly Float32Array[]): RowSource {
  const blockRows = rooms[0]!.length / entry.dimension;
  const pool = new BlockPool(rooms, blockRows);
  return entry.fragments
    ? openFragments(database.tables, entry, blockRows, pool)
    : streamTable(table, entry.dimension, blockRows, pool);
}

/** A fixed number of block buffers; taking one waits until one is free. */
class BlockPool {
  readonly #free: Array<{ room: Float32Array; rowIds: Float64Array }> = [];
  readonly #waiting: Array<() => void> = [];

  constructor(rooms: readonly Float32Array[], blockRows: number) {
    for (const room of rooms) this.#free.push({ room, rowIds: new Float64Array(blockRows) });
  }

  async take() {
    while (this.#free.length === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const buffers = this.#free.pop()!;
    const release = () => {
      this.#free.push(buffers);
      this.#waiting.shift()?.();
    };
    return { ...buffers, release };
  }
}

function openFragments(tables: TableStore, entry: StoredRows['entry'], blockRows: number, pool: BlockPool): RowSource {
  const { dimension, vectorType } = entry;
  const rowBytes = dimension * COMPONENT_BYTES[vectorType];
  const fragments = entry.fragments!;
  const firstRows = [0];
  for (const { rows } of fragments) firstRows.push(firstRows.at(-1)! + rows);
  const half = vectorType === 'float16' ? new Uint16Array(blockRows * dimension) : undefined;
  let file: { index: number; handle: RangeFile } | undefined;

  const readRows = async (fragment: number, offset: number, rows: number, into: Float32Array) => {
    if (file?.index !== fragment) {
      await file?.handle.close();
      file = undefined;
      const path = `${entry.bucket}.lance/${fragments[fragment]!.path}`;
      file = { index: fragment, handle: await tables.openFile(path) };
    }
    const target = half ? half.subarray(0, rows * dimension) : into;
    const bytes = new Uint8Array(target.buffer, target.byteOffset, rows * rowBytes);
    await file.handle.read(bytes, fragments[fragment]!.offset + offset * rowBytes);
    if (half) decodeFloat16(half, into, rows * dimension);
  };

  return {
    async *blocks(spans) {
      let fragment = 0;
      for (const span of spans) {
        for (let first = span.first; first < span.end; first += blockRows) {
          const end = Math.min(span.end, first + blockRows);
          const { room, rowIds, release } = await pool.take();
          for (let row = first; row < end; ) {
            while (firstRows[fragment + 1]! <= row) fragment++;
            const offset = row - firstRows[fragment]!;
            const rows = Math.min(end, firstRows[fragment + 1]!) - row;
            const at = row - first;
            await readRows(fragment, offset, rows, room.subarray(at * dimension, (at + rows) * dimension));
            for (let i = 0; i < rows; i++) rowIds[at + i] = fragment * 2 ** 32 + offset + i;
            row += rows;
          }
          yield { span, vectors: room.subarray(0, (end - first) * dimension), rowIds, release };
        }
      }
    },
    async close() {
      await file?.handle.close();
    },
  };
}

/** Reads the whole table through LanceDB and keeps the rows that were asked for. */
function streamTable(table: Table, dimension: number, blockRows: number, pool: BlockPool): RowSource {
  return {
    async *blocks(spans) {
      const iterator = spans[Symbol.iterator]();
      let span = iterator.next();
      let current: Awaited<ReturnType<BlockPool['take']>> | undefined;
      let filled = 0;
      let row = 0;
      for await (const { rows, vectors, rowIds } of readTable(table)) {
        const batchEnd = row + rows;
        while (!span.done && span.value.first < batchEnd) {
          const wanted = span.value;
          current ??= await pool.take();
          const from = Math.max(wanted.first, row);
          const count = Math.min(wanted.end - from, batchEnd - from, blockRows - filled);
          const offset = from - (batchEnd - rows);
          current.room.set(vectors.subarray(offset * dimension, (offset + count) * dimension), filled * dimension);
          current.rowIds.set(rowIds.subarray(offset, offset + count), filled);
          filled += count;
          row = from + count;
          const ended = row === wanted.end;
          if (ended || filled === blockRows) {
            const { room, rowIds: ids, release } = current;
            yield { span: wanted, vectors: room.subarray(0, filled * dimension), rowIds: ids, release };
            current = undefined;
            filled = 0;
          }
          if (ended) span = iterator.next();
          if (row === batchEnd) break;
        }
        row = batchEnd;
        if (span.done) break;
      }
    },
    async close() {},
  };
}
