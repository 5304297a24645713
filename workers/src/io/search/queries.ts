import type { CatalogEntry } from '../../core/catalog.ts';
import type { Metric } from '../../core/metric.ts';
import { compareIds, sortedOrder } from '../../core/search/hit-order.ts';
import { modelIdentity } from '../../core/shard.ts';
import { columnBytes, columnText, concatenateColumns, type Utf8Column } from '../../core/utf8-column.ts';
import { describeBadVector, findBadVector } from '../../core/vector-check.ts';
import { DataError } from '../../errors.ts';
import { readBlocks, rowsPerBlock } from '../hdf5/shard-blocks.ts';
import { openShard, type ShardReader } from '../hdf5/shard-reader.ts';
import { toFloat32 } from '../vectors.ts';

const READ_BYTES = 8 * 2 ** 20;

/** Queries in memory. */
export interface QuerySet {
  ids: Utf8Column;
  /** [queries, D]; unit length under cosine. */
  vectors: Float32Array;
  /** Positions in the order of the ids' bytes: the order of hits. */
  order: Int32Array;
}

/**
 * Reads query sets and checks that they fit a bucket.
 * @throws DataError for another dimension or model, vectors that cannot be searched, or an id that is there twice
 */
export async function readQueries(paths: readonly string[], entry: CatalogEntry): Promise<QuerySet> {
  const shards: ShardReader[] = [];
  try {
    for (const path of paths) shards.push(await openShard(path));
    for (const shard of shards) requireSameKind(shard, entry);
    const rows = shards.reduce((sum, shard) => sum + shard.rows, 0);
    if (rows === 0) throw new DataError(`${paths.join(', ')}: no queries.`);
    const vectors = new Float32Array(rows * entry.dimension);
    const columns: Utf8Column[] = [];
    let at = 0;
    for (const shard of shards) {
      for await (const block of readBlocks(shard, { blockRows: rowsPerBlock(shard, READ_BYTES) })) {
        const decoded = toFloat32(shard, block);
        const bad = findBadVector(decoded, block.rows, shard.dimension, entry.metric);
        if (bad)
          throw new DataError(
            `${shard.path}: ${describeBadVector(bad, block.start, columnBytes(block.ids, bad.row))}.`,
          );
        vectors.set(decoded, at);
        at += decoded.length;
        columns.push(block.ids);
      }
    }
    const ids = concatenateColumns(columns);
    const order = sortedOrder(ids);
    requireUnique(ids, order, paths);
    normalize(vectors, entry.dimension, entry.metric);
    return { ids, vectors, order };
  } finally {
    for (const shard of shards) shard.close();
  }
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

function normalize(vectors: Float32Array, dimension: number, metric: Metric): void {
  if (metric !== 'cosine') return;
  for (let at = 0; at < vectors.length; at += dimension) {
    let sum = 0;
    for (let i = at; i < at + dimension; i++) sum += vectors[i]! * vectors[i]!;
    const scale = 1 / Math.sqrt(sum);
    for (let i = at; i < at + dimension; i++) vectors[i]! *= scale;
  }
}
