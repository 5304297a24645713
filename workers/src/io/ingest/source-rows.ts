import type { Metric } from '../../core/metric.ts';
import type { PlanSource } from '../../core/plan.ts';
import type { ShardAttributes } from '../../core/shard.ts';
import { columnBytes, type Utf8Column } from '../../core/utf8-column.ts';
import { describeBadVector, findBadVector } from '../../core/vector-check.ts';
import { DataError } from '../../errors.ts';
import { readBlocks, type ShardBlock } from '../hdf5/shard-blocks.ts';
import { openShard, type ShardReader } from '../hdf5/shard-reader.ts';
import { toFloat32 } from '../vectors.ts';

/** Rows of a bucket, as float32. */
export interface SourceRows {
  rows: number;
  /** [rows, D]; valid until the next are read. */
  vectors: Float32Array;
  ids: Utf8Column;
}

/**
 * Reads the rows of a bucket in the order of its sources.
 * @throws DataError where a shard is not what the plan says, changes while it is read, or holds a row that cannot be searched
 */
export async function* readSources(
  sources: readonly PlanSource[],
  dimension: number,
  metric: Metric,
  blockRows: number,
): AsyncGenerator<SourceRows> {
  for (const source of sources) {
    const shard = await openPlanned(source, dimension);
    try {
      for await (const block of readBlocks(shard, { start: source.start, end: source.end, blockRows }))
        yield { rows: block.rows, vectors: checkedVectors(shard, block, metric), ids: block.ids };
    } finally {
      shard.close();
    }
  }
}

/**
 * Reads about `wanted` rows, evenly spread over a bucket, as slices of up to `sliceRows`. Not checked: every row is
 * checked when it is read by `readSources`.
 */
export async function* sampleSources(
  sources: readonly PlanSource[],
  dimension: number,
  wanted: number,
  sliceRows: number,
): AsyncGenerator<Float32Array> {
  const rows = sources.reduce((sum, { start, end }) => sum + end - start, 0);
  const share = Math.min(1, wanted / rows);
  const stride = Math.max(1, Math.floor(sliceRows / share));
  for (const source of sources) {
    const shard = await openPlanned(source, dimension);
    try {
      for (let start = source.start; start < source.end; start += stride) {
        const end = Math.min(source.end, start + (share === 1 ? stride : sliceRows));
        for await (const block of readBlocks(shard, { start, end, blockRows: sliceRows }))
          yield toFloat32(shard, block);
      }
    } finally {
      shard.close();
    }
  }
}

/** The attributes of the first shard that has any. */
export async function readModel(sources: readonly PlanSource[], dimension: number): Promise<ShardAttributes> {
  for (const source of sources) {
    const shard = await openPlanned(source, dimension);
    shard.close();
    if (Object.keys(shard.attributes).length > 0) return shard.attributes;
  }
  return {};
}

async function openPlanned(source: PlanSource, dimension: number): Promise<ShardReader> {
  const shard = await openShard(source.path);
  const problem =
    shard.dimension !== dimension
      ? `vectors of ${shard.dimension} components; the plan says ${dimension}`
      : shard.rows < source.end || (source.rows !== undefined && shard.rows !== source.rows)
        ? `${shard.rows} rows; the plan says ${source.rows ?? source.end}`
        : undefined;
  if (problem === undefined) return shard;
  shard.close();
  throw new DataError(`${source.path}: ${problem}. The shard has changed since it was planned; plan again.`);
}

function checkedVectors(shard: ShardReader, block: ShardBlock, metric: Metric): Float32Array {
  const vectors = toFloat32(shard, block);
  const bad = findBadVector(vectors, block.rows, shard.dimension, metric);
  if (!bad) return vectors;
  throw new DataError(`${shard.path}: ${describeBadVector(bad, block.start, columnBytes(block.ids, bad.row))}.`);
}
