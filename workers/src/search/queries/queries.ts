import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  columnBytes,
  columnLength,
  columnText,
  concatenateColumns,
  type Utf8Column,
} from '../../base/bytes/utf8-column.ts';
import { DataError, UsageError } from '../../base/errors.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { QueryRange } from '../../hits/query-range.ts';
import { compareIds, sortedIdOrder } from '../../hits/rank.ts';
import { modelIdentity } from '../../shard/shard.ts';
import { readBlocks, rowsPerBlock, toFloat32 } from '../../shard/shard-blocks.ts';
import { openShard, type ShardReader } from '../../shard/shard-reader.ts';
import { normalizeRows } from '../../vectors/kmeans.ts';
import type { Metric } from '../../vectors/metric.ts';
import { describeBadVector, findBadVector } from '../../vectors/vector-check.ts';
import { SEARCH_MESSAGES } from '../search-messages.ts';
import { drawByHash } from './draw-sample.ts';

const READ_BYTES = 8 * 2 ** 20;

/** Queries in memory, in the order of their ids' bytes, which is the order of hits. */
export interface QuerySet {
  count: number;
  id(query: number): Uint8Array;
  /** [count, D]; unit length under cosine. In memory that threads can share. */
  vectors: Float32Array;
}

/** Query sets on disk. */
export interface QueryFiles {
  /** Queries to search: all, or those of the range. */
  count: number;
  /** Reads queries [first, end) of these, in the order of their ids. */
  block(first: number, end: number): Promise<QuerySet>;
  /**
   * Reads a sample on which a search is tuned, in the order of ids: drawn by a hash of the id from all queries, so it is the same
   * in every bucket and range.
   */
  tuningSample(size: number): Promise<QuerySet>;
  /**
   * Reads a sample on which recall is measured, those of its queries that are in the range. It has no query of the tuning sample
   * where there are enough queries.
   * @param skip size of the tuning sample
   */
  evaluationSample(size: number, skip: number): Promise<QuerySet>;
  /** Which of all queries are searched. */
  range: QueryRange;
  /** Hash of all ids and vectors, in whatever order and files they are. */
  contentHash: string;
  close(): void;
}

/** Counts the queries to search, and checks them against the bucket. @throws as `openQueries` */
export async function countQueries(...query: Parameters<typeof openQueries>): Promise<number> {
  const queries = await openQueries(...query);
  queries.close();
  return queries.count;
}

/**
 * Opens query sets and checks that they fit a bucket. Ids are held in memory, vectors are not.
 * @param range of the queries to search; default: all
 * @throws DataError for another dimension or model, vectors that cannot be searched, or a duplicated id; UsageError for a range
 *   beyond the queries
 */
export async function openQueries(
  paths: readonly string[],
  entry: CatalogEntry,
  range?: QueryRange,
): Promise<QueryFiles> {
  const shards: ShardReader[] = [];
  const close = () => {
    for (const shard of shards) shard.close();
  };
  try {
    for (const path of paths) shards.push(await openShard(path));
    for (const shard of shards) requireSameKind(shard, entry);
    const columns: Utf8Column[] = [];
    const checksums: Uint32Array[] = [];
    let all: QueryRows | undefined;
    const check = (shard: ShardReader, start: number, rows: QueryRows) =>
      requireSearchable(shard, start, rows, entry.metric);
    for await (const rows of readRows(shards, check)) {
      const { ids, vectors } = rows;
      // Queries that fill no more than one block are not read again.
      all = columns.length === 0 ? rows : undefined;
      columns.push(ids);
      checksums.push(rowChecksums(ids, vectors, entry.dimension));
    }
    const ids = concatenateColumns(columns);
    const total = columnLength(ids);
    if (total === 0) throw new DataError(SEARCH_MESSAGES.noQueries(paths));
    const idOrder = sortedIdOrder(ids);
    requireUnique(ids, idOrder, paths);
    const read = (rows: Int32Array) => gather(all ? [all] : readRows(shards), entry, ids, rows);
    const { first, end } = range ?? { first: 0, end: total };
    if (end > total) throw new UsageError(SEARCH_MESSAGES.rangeTooLong(end, total));
    return {
      count: end - first,
      block: (from, to) => read(idOrder.subarray(first + from, first + to)),
      tuningSample: (size) => read(drawByHash(ids, idOrder, size)),
      evaluationSample: (size, skip) => {
        const searched = new Set(idOrder.subarray(first, end));
        return read(drawByHash(ids, idOrder, size, skip).filter((row) => searched.has(row)));
      },
      range: { first, end },
      contentHash: hashInOrder(checksums, idOrder),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Returns a checksum of each row: of its id and its vector as float32. */
function rowChecksums(ids: Utf8Column, vectors: Float32Array, dimension: number): Uint32Array {
  const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
  const rowBytes = dimension * vectors.BYTES_PER_ELEMENT;
  return Uint32Array.from({ length: columnLength(ids) }, (_, row) =>
    crc32(bytes.subarray(row * rowBytes, (row + 1) * rowBytes), crc32(columnBytes(ids, row))),
  );
}

function hashInOrder(checksums: readonly Uint32Array[], idOrder: Int32Array): string {
  const all = new Uint32Array(idOrder.length);
  let at = 0;
  for (const part of checksums) {
    all.set(part, at);
    at += part.length;
  }
  return createHash('sha256')
    .update(Uint32Array.from(idOrder, (row) => all[row]!))
    .digest('hex')
    .slice(0, 32);
}

interface QueryRows {
  vectors: Float32Array;
  rows: number;
  ids: Utf8Column;
}

/** Reads all rows, block by block. @param check throws for vectors that cannot be searched */
async function* readRows(
  shards: readonly ShardReader[],
  check?: (shard: ShardReader, start: number, rows: QueryRows) => void,
): AsyncGenerator<QueryRows> {
  for (const shard of shards) {
    for await (const block of readBlocks(shard, { blockRows: rowsPerBlock(shard, READ_BYTES) })) {
      const rows = { vectors: toFloat32(shard, block), rows: block.rows, ids: block.ids };
      check?.(shard, block.start, rows);
      yield rows;
    }
  }
}

function requireSearchable(shard: ShardReader, start: number, { vectors, rows, ids }: QueryRows, metric: Metric): void {
  const bad = findBadVector(vectors, rows, shard.dimension, metric);
  if (bad) throw new DataError(`${shard.path}: ${describeBadVector(bad, start, columnBytes(ids, bad.row))}.`);
}

/**
 * Gathers the vectors of the queries at `wanted`.
 * @param blocks of all queries @param wanted positions in the files, in the order of the result
 */
async function gather(
  blocks: Iterable<QueryRows> | AsyncIterable<QueryRows>,
  entry: CatalogEntry,
  ids: Utf8Column,
  wanted: Int32Array,
): Promise<QuerySet> {
  const { dimension, metric } = entry;
  const placeOf = new Int32Array(columnLength(ids)).fill(-1);
  for (const [place, position] of wanted.entries()) placeOf[position] = place;
  const vectors = new Float32Array(new SharedArrayBuffer(4 * wanted.length * dimension));
  let first = 0;
  // They were checked when the query sets were opened.
  for await (const block of blocks) {
    for (let row = 0; row < block.rows; row++) {
      const place = placeOf[first + row]!;
      if (place >= 0) vectors.set(block.vectors.subarray(row * dimension, (row + 1) * dimension), place * dimension);
    }
    first += block.rows;
  }
  if (metric === 'cosine') normalizeRows(vectors, dimension);
  return { count: wanted.length, id: (query) => columnBytes(ids, wanted[query]!), vectors };
}

function requireSameKind(shard: ShardReader, { bucket, dimension, model }: CatalogEntry): void {
  if (shard.dimension !== dimension)
    throw new DataError(SEARCH_MESSAGES.otherDimension(shard.path, shard.dimension, bucket, dimension));
  const [queryModel, bucketModel] = [modelIdentity(shard.attributes), modelIdentity(model)];
  if (queryModel !== undefined && bucketModel !== undefined && queryModel !== bucketModel)
    throw new DataError(SEARCH_MESSAGES.otherModel(shard.path, queryModel, bucket, bucketModel));
}

function requireUnique(ids: Utf8Column, idOrder: Int32Array, paths: readonly string[]): void {
  for (let i = 1; i < idOrder.length; i++)
    if (compareIds(ids, idOrder[i - 1]!, idOrder[i]!) === 0)
      throw new DataError(SEARCH_MESSAGES.duplicateQueryId(paths, columnText(ids, idOrder[i]!)));
}
