import type { Table } from '@lancedb/lancedb';
import { decodeFloat16 } from '../base/bytes/float16.ts';
import { ResourcePool } from '../base/concurrency/resource-pool.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import type { RangeFile, TableReader } from '../database/table-reader.ts';
import { readTable } from '../lance/read-table.ts';
import { type FragmentRows, fragmentBlocks, type RowSpan, rowIdsOf } from './fragment-blocks.ts';
import type { OpenBucket } from './open-bucket.ts';
import { rowBytes } from './part-reader.ts';

/** Rows of one span, and their row ids. */
export interface LocatedBlock<S extends RowSpan = RowSpan> {
  span: S;
  /** [rows, D] */
  vectors: Float32Array;
  /** LanceDB's row ids; the array can be longer than the rows. */
  rowIds: Float64Array;
  /** Releases the buffers for the next block. */
  release(): void;
}

/** Reads ascending spans of a table's rows as blocks. A span larger than a block is divided into several. */
export interface RowSource {
  blocks<S extends RowSpan>(spans: Iterable<S>): AsyncGenerator<LocatedBlock<S>>;
  close(): Promise<void>;
}

/** A table, and the fields of its entry that are needed to read its rows. */
export interface StoredRows {
  database: Pick<OpenBucket['database'], 'tables'>;
  table: Table;
  entry: Pick<CatalogEntry, 'bucket' | 'dimension' | 'vectorType' | 'fragments'>;
}

/**
 * Reads rows directly from the table's data files, at the speed of the disk, if the catalog has the offsets of the vectors; through
 * LanceDB otherwise.
 * @param buffers [max rows, D], all of the same size, each for a block in use
 */
export function openRowSource({ database, table, entry }: StoredRows, buffers: readonly Float32Array[]): RowSource {
  const blockRows = buffers[0]!.length / entry.dimension;
  const pool = poolOf(buffers, blockRows);
  return entry.fragments
    ? openFragments(database.tables, entry, blockRows, pool)
    : streamTable(table, entry.dimension, blockRows, pool);
}

interface BlockBuffers {
  buffer: Float32Array;
  rowIds: Float64Array;
}

type BlockPool = ResourcePool<BlockBuffers>;

function poolOf(buffers: readonly Float32Array[], blockRows: number): BlockPool {
  const unused = [...buffers];
  return new ResourcePool(buffers.length, () => ({ buffer: unused.pop()!, rowIds: new Float64Array(blockRows) }));
}

function openFragments(tables: TableReader, entry: StoredRows['entry'], blockRows: number, pool: BlockPool): RowSource {
  const { dimension, vectorType } = entry;
  const ownBytes = rowBytes(dimension, vectorType);
  const fragments = entry.fragments!;
  const half = vectorType === 'float16' ? new Uint16Array(blockRows * dimension) : undefined;
  let file: { index: number; handle: RangeFile } | undefined;

  const readRows = async ({ fragment, offset, rows }: FragmentRows, into: Float32Array) => {
    if (file?.index !== fragment) {
      await file?.handle.close();
      file = undefined;
      const path = `${entry.bucket}.lance/${fragments[fragment]!.path}`;
      file = { index: fragment, handle: await tables.openFile(path) };
    }
    const target = half ? half.subarray(0, rows * dimension) : into;
    const bytes = new Uint8Array(target.buffer, target.byteOffset, rows * ownBytes);
    await file.handle.read(bytes, fragments[fragment]!.offset + offset * ownBytes);
    if (half) decodeFloat16(half, into, rows * dimension);
  };

  return {
    async *blocks(spans) {
      for (const { span, rows, parts } of fragmentBlocks(spans, fragments, blockRows)) {
        const buffers = await pool.acquire();
        const { buffer, rowIds } = buffers;
        let at = 0;
        for (const part of parts) {
          await readRows(part, buffer.subarray(at * dimension, (at + part.rows) * dimension));
          at += part.rows;
        }
        rowIdsOf(parts, rowIds);
        const release = () => pool.release(buffers);
        yield { span, vectors: buffer.subarray(0, rows * dimension), rowIds, release };
      }
    },
    async close() {
      await file?.handle.close();
    },
  };
}

/** Reads the whole table through LanceDB and keeps the rows of the spans. */
function streamTable(table: Table, dimension: number, blockRows: number, pool: BlockPool): RowSource {
  return {
    async *blocks(spans) {
      const iterator = spans[Symbol.iterator]();
      let span = iterator.next();
      let current: BlockBuffers | undefined;
      let filled = 0;
      let row = 0;
      for await (const { rows, vectors, rowIds } of readTable(table)) {
        const batchEnd = row + rows;
        while (!span.done && span.value.first < batchEnd) {
          const wanted = span.value;
          current ??= await pool.acquire();
          const from = Math.max(wanted.first, row);
          const count = Math.min(wanted.end - from, batchEnd - from, blockRows - filled);
          const offset = from - (batchEnd - rows);
          current.buffer.set(vectors.subarray(offset * dimension, (offset + count) * dimension), filled * dimension);
          current.rowIds.set(rowIds.subarray(offset, offset + count), filled);
          filled += count;
          row = from + count;
          const ended = row === wanted.end;
          if (ended || filled === blockRows) {
            const buffers = current;
            const block = buffers.buffer.subarray(0, filled * dimension);
            yield { span: wanted, vectors: block, rowIds: buffers.rowIds, release: () => pool.release(buffers) };
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
