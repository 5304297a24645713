import { join } from 'node:path';
import { readAhead } from '../../base/concurrency/read-ahead.ts';
import { ResourcePool } from '../../base/concurrency/resource-pool.ts';
import { fragmentBlocks, type RowSpan, rowIdsOf } from '../../bucket/fragment-blocks.ts';
import type { OpenBucket } from '../../bucket/open-bucket.ts';
import { type FilePart, rowBytes } from '../../bucket/part-reader.ts';
import { openRowSource } from '../../bucket/row-source.ts';
import type { FragmentFile } from '../../database/catalog/catalog-entry.ts';
import type { ChosenQueries } from './block-scorer.ts';
import { BLOCK_ROWS } from './memory.ts';
import type { BlockRows } from './score-worker.ts';

/** A span of rows and the queries to compare with them: all spans have chosen ones, or none has (all queries). */
export interface ScoredSpan extends RowSpan {
  chosen?: ChosenQueries;
}

/** Rows of a block, and the queries to compare with them. */
export interface BlockRowsWithQueries {
  rows: BlockRows;
  count: number;
  chosen: ChosenQueries | undefined;
  rowIds: Float64Array;
  /** Gives back what the next blocks need. */
  release(): void;
}

export interface BlockSource {
  blocks: AsyncIterable<BlockRowsWithQueries>;
  close(): Promise<void>;
}

/** Rows of files on this machine are read by the threads themselves; others are read here, ahead of the threads. */
export function openBlocks(
  bucket: OpenBucket,
  spans: readonly ScoredSpan[],
  rooms: readonly Float32Array[],
  threads: number,
): BlockSource {
  const { entry, database } = bucket;
  const { folder } = database.tables;
  if (entry.fragments && folder !== undefined)
    return { blocks: locateBlocks(entry, entry.fragments, spans, threads, folder), async close() {} };
  const source = openRowSource(bucket, rooms);
  async function* blocks() {
    for await (const { vectors, span, rowIds, release } of readAhead(source.blocks(spans)))
      yield { rows: { vectors }, count: vectors.length / entry.dimension, chosen: span.chosen, rowIds, release };
  }
  return { blocks: blocks(), close: () => source.close() };
}

async function* locateBlocks(
  { bucket, dimension, vectorType }: OpenBucket['entry'],
  fragments: readonly FragmentFile[],
  spans: readonly ScoredSpan[],
  threads: number,
  folder: string,
): AsyncGenerator<BlockRowsWithQueries> {
  // One that a thread compares and one that waits for it.
  const pool = new ResourcePool(2 * threads, () => new Float64Array(BLOCK_ROWS));
  for (const { span, rows: count, parts } of fragmentBlocks(spans, fragments, BLOCK_ROWS)) {
    const rowIds = await pool.acquire();
    rowIdsOf(parts, rowIds);
    const files = parts.map(({ fragment, offset, rows }): FilePart => {
      const { path, offset: start } = fragments[fragment]!;
      return {
        path: join(folder, `${bucket}.lance`, path),
        position: start + offset * rowBytes(dimension, vectorType),
        rows,
      };
    });
    yield { rows: { parts: files }, count, chosen: span.chosen, rowIds, release: () => pool.release(rowIds) };
  }
}
