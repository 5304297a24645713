import type { FragmentFile } from '../../core/catalog.ts';
import { fragmentBlocks, type RowSpan, rowIdsOf } from '../../core/search/fragment-blocks.ts';
import { BLOCK_ROWS } from '../../core/search/memory.ts';
import { Pool } from '../pool.ts';
import { readAhead } from '../read-ahead.ts';
import type { ChosenQueries } from './block-scorer.ts';
import type { OpenBucket } from './open-bucket.ts';
import { type FilePart, rowBytes } from './part-reader.ts';
import { openRowSource } from './row-source.ts';
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
  const pathOf = database.tables.pathOf;
  if (entry.fragments && pathOf)
    return { blocks: locateBlocks(entry, entry.fragments, spans, threads, pathOf), async close() {} };
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
  pathOf: (path: string) => string,
): AsyncGenerator<BlockRowsWithQueries> {
  // One that a thread compares and one that waits for it.
  const pool = new Pool(Array.from({ length: 2 * threads }, () => ({ rowIds: new Float64Array(BLOCK_ROWS) })));
  for (const { span, rows: count, parts } of fragmentBlocks(spans, fragments, BLOCK_ROWS)) {
    const { rowIds, release } = await pool.take();
    rowIdsOf(parts, rowIds);
    const files = parts.map(({ fragment, offset, rows }): FilePart => {
      const { path, offset: start } = fragments[fragment]!;
      return {
        path: pathOf(`${bucket}.lance/${path}`),
        position: start + offset * rowBytes(dimension, vectorType),
        rows,
      };
    });
    yield { rows: { parts: files }, count, chosen: span.chosen, rowIds, release };
  }
}
