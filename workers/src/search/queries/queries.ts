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
import { compareIds, sortedOrder } from '../../hits/rank.ts';
import { modelIdentity } from '../../shard/shard.ts';
import { readBlocks, rowsPerBlock } from '../../shard/shard-blocks.ts';
import { openShard, type ShardReader } from '../../shard/shard-reader.ts';
import { toFloat32 } from '../../shard/vectors.ts';
import { normalizeRows } from '../../vectors/kmeans.ts';
import { describeBadVector, findBadVector } from '../../vectors/vector-check.ts';
import { drawByHash } from './sample.ts';

const READ_BYTES = 8 * 2 ** 20;

/** Queries in memory, in the order of their ids' bytes, which is the order of hits. */
export interface QuerySet {
  count: number;
  id(query: number): Uint8Array;
  /** [count, D]; unit length under cosine. */
  vectors: Float32Array;
}

/** Query sets on disk. */
export interface QueryFiles {
  /** Queries to search: all, or those of the range. */
  count: number;
  /** Queries [first, end) of these, in the order of their ids. */
  block(first: number, end: number): Promise<QuerySet>;
  /**
   * Queries to try things out on, in the order of their ids: drawn by a hash of the id from all queries, so they are the
   * same in every bucket and range.
   */
  sample(wanted: number): Promise<QuerySet>;
  /**
   * Others, to measure on what was found, as far as there are enough queries; of all that are drawn, those of the range.
   * @param skip of the draw: the size of the sample that was tried out on
   */
  measured(wanted: number, skip: number): Promise<QuerySet>;
  /** Which of all queries these are. */
  range: QueryRange;
  /** Hash of all ids and vectors, in whatever order and files they are. */
  contentHash: string;
  close(): void;
}

/** Positions, in the order of ids, of the queries to search. */
export interface QueryRange {
  first: number;
  end: number;
}

/** Queries to search, counted and checked against the bucket. @throws as `openQueries` */
export async function countQueries(...what: Parameters<typeof openQueries>): Promise<number> {
  const queries = await openQueries(...what);
  queries.close();
  return queries.count;
}

/**
 * Opens query sets and checks that they fit a bucket. Ids are held in memory, vectors are not.
 * @param range of the queries to search; all where not given
 * @throws DataError for another dimension or model, vectors that cannot be searched, or an id that is there twice
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
    for await (const { ids, vectors } of checkedRows(shards, entry)) {
      columns.push(ids);
      checksums.push(rowChecksums(ids, vectors, entry.dimension));
    }
    const ids = concatenateColumns(columns);
    const total = columnLength(ids);
    if (total === 0) throw new DataError(`${paths.join(', ')}: no queries.`);
    const order = sortedOrder(ids);
    requireUnique(ids, order, paths);
    const pick = (chosen: Int32Array) => gather(shards, entry, ids, chosen);
    const { first, end } = range ?? { first: 0, end: total };
    if (end > total) throw new UsageError(`--range ends at ${end}, but there are ${total} queries.`);
    return {
      count: end - first,
      block: (from, to) => pick(order.subarray(first + from, first + to)),
      sample: (wanted) => pick(drawByHash(ids, order, wanted)),
      measured: (wanted, skip) => {
        const own = new Set(order.subarray(first, end));
        return pick(drawByHash(ids, order, wanted, skip).filter((row) => own.has(row)));
      },
      range: { first, end },
      contentHash: hashInOrder(checksums, order),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** A checksum of each row: its id and its vector as float32. */
function rowChecksums(ids: Utf8Column, vectors: Float32Array, dimension: number): Uint32Array {
  const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
  const each = dimension * vectors.BYTES_PER_ELEMENT;
  return Uint32Array.from({ length: columnLength(ids) }, (_, row) =>
    crc32(bytes.subarray(row * each, (row + 1) * each), crc32(columnBytes(ids, row))),
  );
}

function hashInOrder(checksums: readonly Uint32Array[], order: Int32Array): string {
  const all = new Uint32Array(order.length);
  let at = 0;
  for (const part of checksums) {
    all.set(part, at);
    at += part.length;
  }
  return createHash('sha256')
    .update(Uint32Array.from(order, (row) => all[row]!))
    .digest('hex')
    .slice(0, 32);
}

/** All rows, block by block. @throws DataError for one that cannot be searched */
async function* checkedRows(shards: readonly ShardReader[], entry: CatalogEntry) {
  for (const shard of shards) {
    for await (const block of readBlocks(shard, { blockRows: rowsPerBlock(shard, READ_BYTES) })) {
      const vectors = toFloat32(shard, block);
      const bad = findBadVector(vectors, block.rows, shard.dimension, entry.metric);
      if (bad)
        throw new DataError(`${shard.path}: ${describeBadVector(bad, block.start, columnBytes(block.ids, bad.row))}.`);
      yield { vectors, rows: block.rows, ids: block.ids };
    }
  }
}

/** Reads the vectors of some queries. @param chosen positions in the files, in the order they are wanted */
async function gather(
  shards: readonly ShardReader[],
  entry: CatalogEntry,
  ids: Utf8Column,
  chosen: Int32Array,
): Promise<QuerySet> {
  const { dimension, metric } = entry;
  const placeOf = new Int32Array(columnLength(ids)).fill(-1);
  for (const [place, position] of chosen.entries()) placeOf[position] = place;
  const vectors = new Float32Array(chosen.length * dimension);
  let first = 0;
  for await (const block of checkedRows(shards, entry)) {
    for (let row = 0; row < block.rows; row++) {
      const place = placeOf[first + row]!;
      if (place >= 0) vectors.set(block.vectors.subarray(row * dimension, (row + 1) * dimension), place * dimension);
    }
    first += block.rows;
  }
  if (metric === 'cosine') normalizeRows(vectors, dimension);
  return { count: chosen.length, id: (query) => columnBytes(ids, chosen[query]!), vectors };
}

function requireSameKind(shard: ShardReader, entry: CatalogEntry): void {
  if (shard.dimension !== entry.dimension)
    throw new DataError(
      `${shard.path}: query vectors of ${shard.dimension} components, but ${entry.bucket} has ${entry.dimension}. ` +
        `Embed the queries with the database's own model.`,
    );
  const [own, theirs] = [modelIdentity(shard.attributes), modelIdentity(entry.model)];
  if (own !== undefined && theirs !== undefined && own !== theirs)
    throw new DataError(
      `${shard.path}: embedded by model ${own}, but ${entry.bucket} by ${theirs}. Embed the queries with the database's own model.`,
    );
}

function requireUnique(ids: Utf8Column, order: Int32Array, paths: readonly string[]): void {
  for (let i = 1; i < order.length; i++) {
    if (compareIds(ids, order[i - 1]!, order[i]!) === 0)
      throw new DataError(
        `${paths.join(', ')}: query id ${JSON.stringify(columnText(ids, order[i]!))} is there twice. Ids of queries must differ.`,
      );
  }
}
