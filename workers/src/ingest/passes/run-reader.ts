import { stat } from 'node:fs/promises';
import { columnBytes, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import type { Column } from '../../base/columns/column-type.ts';
import { ContentHash } from '../../shard/content-hash.ts';
import type { ShardAttributes } from '../../shard/shard.ts';
import { MAX_BLOCK_ROWS } from '../../shard/shard-blocks.ts';
import { shardChanged } from '../../shard/shard-messages.ts';
import type { ShardReader } from '../../shard/shard-reader.ts';
import type { Metric } from '../../vectors/metric.ts';
import { describeBadVector, findBadVector, findLostInFloat16 } from '../../vectors/vector-check.ts';
import { COMPONENT_BYTES, type VectorType } from '../../vectors/vector-type.ts';
import { otherRows, unusableVector } from '../ingest-messages.ts';
import { cellsOf } from '../source-columns.ts';
import { isWhole, openPlanned } from '../source-rows.ts';
import { isAll, type SourceRange, type Unit } from '../units.ts';
import { type Components, convertVectors, viewComponents } from './vector-buffers.ts';

/**
 * Vectors that are read, checked and assigned at once: a share of a unit. With thousands of centroids, more rows cost less each; with
 * fewer, the next block is read sooner.
 */
const BLOCK_SHARE = 1 / 8;
const LEAST_BLOCK_BYTES = 8 * 2 ** 20;
const MOST_BLOCK_BYTES = 64 * 2 ** 20;

/** The rows of a bucket, as threads read, hold and write them. */
export interface RowFormat {
  dimension: number;
  metric: Metric;
  /** Of the vectors in the table. */
  vectorType: VectorType;
  /** Of the vectors in memory. */
  readType: VectorType;
  /** Columns that the table keeps beside vectors and ids. */
  kept: readonly Column[];
}

/** Returns the number of columns whose rows have any length: the ids, and the kept columns. */
export function columnCount({ kept }: RowFormat): number {
  return 1 + kept.length;
}

/** Differs after a file was changed. */
export type FileState = readonly [bytes: number, modifiedMs: number];

/** A unit, and the state of each of its files when ingest began. */
export interface UnitRequest extends Unit {
  files: readonly FileState[];
}

/** Consecutive rows of a shard whose content hash is computed in another thread. */
export interface HashedBlock {
  source: number;
  /** Row of the shard. */
  start: number;
  rows: number;
  /** As they are stored, in shared memory. */
  vectors: Uint8Array<SharedArrayBuffer>;
  ids: Utf8Column;
  /** The kept columns that the shard has. */
  kept: readonly Utf8Column[];
}

/** Rows of a unit that are in memory together. */
export interface RunRows {
  /** Position of the first in the bucket. */
  firstRow: number;
  rows: number;
  /** [rows, dimension]; valid until `take` returns */
  vectors: Components;
  /** Of the ids, then of each kept column of the bucket: the cells of the rows, in blocks. */
  columns: Utf8Column[][];
}

export interface RunConsumer {
  /** Uses rows that were just read. @param vectors float32 [rows, dimension], valid until it returns */
  onBlock(vectors: Float32Array, rows: number): Promise<void>;
  /** Takes the rows since the last call: all of the unit, or those whose ids and kept columns fill the memory. */
  take(rows: RunRows): Promise<void>;
  /** Hashes a block of a shard that is longer than the unit. @returns when its memory can be used again */
  hash(block: HashedBlock): Promise<void>;
}

/** Reads units of a bucket and checks their rows. */
export class RunReader {
  readonly #bucket: RowFormat;
  readonly #buffer: SharedArrayBuffer;
  readonly #blockRows: number;
  #decoded: Float32Array | undefined;
  #opened: { source: number; shard: ShardReader } | undefined;

  /** @param buffer for the vectors of a unit, as `readType` */
  constructor(bucket: RowFormat, buffer: SharedArrayBuffer) {
    this.#bucket = bucket;
    this.#buffer = buffer;
    const rowBytes = bucket.dimension * COMPONENT_BYTES[bucket.readType];
    const blockBytes = Math.max(LEAST_BLOCK_BYTES, Math.min(MOST_BLOCK_BYTES, BLOCK_SHARE * buffer.byteLength));
    this.#blockRows = Math.max(1, Math.min(MAX_BLOCK_ROWS, Math.floor(blockBytes / rowBytes)));
  }

  /**
   * Reads a unit.
   * @returns the attributes of its first shard that has any
   * @throws DataError where a shard is not what the plan says, changes while it is read, or holds a row that cannot be searched
   */
  async read({ firstRow, ranges, files }: UnitRequest, consumer: RunConsumer): Promise<ShardAttributes | undefined> {
    let attributes: ShardAttributes | undefined;
    const run = new UnfinishedRun(firstRow, columnCount(this.#bucket));
    const take = async () => {
      await consumer.take({ ...run, vectors: this.#view(0, run.rows) });
      await Promise.all(run.hashing);
      run.next();
    };
    for (const [i, range] of ranges.entries()) {
      const shard = await this.#open(range);
      const { source, index } = range;
      if (Object.keys(shard.attributes).length > 0) attributes ??= shard.attributes;
      const ownHash = isWhole(source) && isAll(range) ? new ContentHash() : undefined;
      let next: Promise<ReadBlock> | undefined;
      for (let at = range.start; at < range.end; ) {
        const block = await (next ?? this.#readBlock(shard, at, range.end, run.rows));
        at += block.rows;
        // Texts can be long where vectors are short: then the rows so far are taken, and the buffer is used again.
        const columns = [block.ids, ...cellsOf(source, this.#bucket.kept, block)];
        const isFull = run.cellBytes + byteLengthOf(columns) >= this.#buffer.byteLength;
        next = isFull || at === range.end ? undefined : this.#readBlock(shard, at, range.end, run.rows + block.rows);
        next?.catch(() => {}); // awaited above; an early failure must not end the thread first
        await consumer.onBlock(this.#checked(shard, block, run.rows), block.rows);
        ownHash?.add(block.stored, block.ids, block.kept);
        if (isWhole(source) && !ownHash)
          run.hashing.push(consumer.hash({ ...block, source: index, vectors: block.stored }));
        run.add(block.rows, columns);
        if (isFull) await take();
      }
      await requireSameFile(source.path, files[i]!);
      if (ownHash && ownHash.digest(shard).contentHash !== source.contentHash) throw otherRows(source);
    }
    if (run.rows > 0) await take();
    return attributes;
  }

  close(): void {
    this.#opened?.shard.close();
    this.#opened = undefined;
  }

  /** Most ranges follow each other in one shard. */
  async #open({ source, index }: SourceRange): Promise<ShardReader> {
    if (this.#opened?.source === index) return this.#opened.shard;
    this.close();
    const shard = await openPlanned(source, this.#bucket.dimension, source.columns);
    this.#opened = { source: index, shard };
    return shard;
  }

  /** Reads rows from `start` on, before `end`, to their place in the buffer where they are stored as they are held there. */
  async #readBlock(shard: ShardReader, start: number, end: number, position: number): Promise<ReadBlock> {
    const count = Math.min(this.#blockRows, end - start);
    const byteLength = count * shard.dimension * COMPONENT_BYTES[shard.vectorType];
    const stored =
      shard.vectorType === this.#bucket.readType
        ? new Uint8Array(this.#buffer, position * shard.dimension * COMPONENT_BYTES[shard.vectorType], byteLength)
        : new Uint8Array(new SharedArrayBuffer(byteLength));
    const { rows, ids, kept } = await shard.readShared(start, count, stored);
    return { start, rows, ids, kept, stored: stored.subarray(0, (byteLength / count) * rows) };
  }

  /** A block's vectors as float32. @throws DataError for the first row that cannot be searched as it will be stored */
  #checked(shard: ShardReader, { start, rows, ids, stored }: ReadBlock, position: number): Float32Array {
    const { dimension, metric, vectorType, readType } = this.#bucket;
    const held = this.#view(position, rows);
    if (shard.vectorType !== readType)
      convertVectors(viewComponents(shard.vectorType, stored.buffer, 0, rows * dimension), held);
    const vectors = held instanceof Float32Array ? held : this.#decode(held);
    const bad =
      findBadVector(vectors, rows, dimension, metric) ??
      (vectorType === 'float16' ? findLostInFloat16(vectors, rows, dimension, metric) : undefined);
    if (!bad) return vectors;
    throw unusableVector(shard.path, describeBadVector(bad, start, columnBytes(ids, bad.row)));
  }

  #decode(words: Components): Float32Array {
    this.#decoded ??= new Float32Array(this.#blockRows * this.#bucket.dimension);
    return convertVectors(words, this.#decoded.subarray(0, words.length)) as Float32Array;
  }

  /** Rows in the buffer. */
  #view(position: number, rows: number): Components {
    const { dimension, readType } = this.#bucket;
    const byteOffset = position * dimension * COMPONENT_BYTES[readType];
    return viewComponents(readType, this.#buffer, byteOffset, rows * dimension);
  }
}

async function requireSameFile(path: string, [bytes, modifiedMs]: FileState): Promise<void> {
  const { size, mtimeMs } = await stat(path);
  if (size !== bytes || mtimeMs !== modifiedMs) throw shardChanged(path);
}

interface ReadBlock {
  start: number;
  rows: number;
  ids: Utf8Column;
  /** The kept columns that the shard has. */
  kept: readonly Utf8Column[];
  /** The vectors as the shard stores them. */
  stored: Uint8Array<SharedArrayBuffer>;
}

/** The rows that have been read and not been taken. */
class UnfinishedRun {
  firstRow: number;
  rows = 0;
  columns: Utf8Column[][];
  cellBytes = 0;
  hashing: Promise<void>[] = [];

  constructor(firstRow: number, columnCount: number) {
    this.firstRow = firstRow;
    this.columns = Array.from({ length: columnCount }, () => []);
  }

  add(rows: number, columns: readonly Utf8Column[]): void {
    this.rows += rows;
    for (const [i, column] of columns.entries()) this.columns[i]!.push(column);
    this.cellBytes += byteLengthOf(columns);
  }

  next(): void {
    this.firstRow += this.rows;
    this.rows = 0;
    this.columns = this.columns.map(() => []);
    this.cellBytes = 0;
    this.hashing = [];
  }
}

function byteLengthOf(columns: readonly Utf8Column[]): number {
  return columns.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
