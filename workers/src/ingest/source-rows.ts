import { columnBytes, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { DataError } from '../base/errors.ts';
import type { PlanSource } from '../database/catalog/plan.ts';
import { ContentHash } from '../shard/content-hash.ts';
import type { ShardAttributes } from '../shard/shard.ts';
import { readBlocks, readRanges, type ShardBlock, toFloat32 } from '../shard/shard-blocks.ts';
import { openShard, type ShardReader } from '../shard/shard-reader.ts';
import type { RowRange } from '../shard/shard-worker.ts';
import type { Metric } from '../vectors/metric.ts';
import { describeBadVector, findBadVector, findLostInFloat16 } from '../vectors/vector-check.ts';
import type { VectorType } from '../vectors/vector-type.ts';

/** Vectors of a sample that are read in one request. */
const SAMPLE_BYTES = 4 * 2 ** 20;

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
  stored: { metric: Metric; vectorType: VectorType },
  blockRows: number,
): AsyncGenerator<SourceRows> {
  for (const source of sources) {
    const shard = await openPlanned(source, dimension);
    // Of a part of a shard only the shape can be compared with the plan: its hash is that of the whole.
    const hash = source.end - source.start === shard.rows ? new ContentHash() : undefined;
    try {
      for await (const block of readBlocks(shard, { start: source.start, end: source.end, blockRows })) {
        hash?.add(block.vectors, block.ids);
        yield { rows: block.rows, vectors: checkedVectors(shard, block, stored), ids: block.ids };
      }
      if (hash && hash.digest(shard.vectorType, dimension) !== source.contentHash)
        throw changedShard(source, 'its rows are not those of the plan');
    } finally {
      shard.close();
    }
  }
}

/**
 * Reads about `wanted` rows, evenly spread over a bucket in slices of up to `sliceRows`, as blocks of about `SAMPLE_BYTES`, which
 * are valid until the next is read. Not checked: every row is checked when it is read by `readSources`.
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
      const ranges: RowRange[] = [];
      for (let start = source.start; start < source.end; start += stride) {
        const end = Math.min(source.end, start + (share === 1 ? stride : sliceRows));
        ranges.push({ start, count: end - start });
      }
      for await (const block of readRanges(shard, ranges, SAMPLE_BYTES)) yield toFloat32(shard, block);
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
  throw changedShard(source, problem);
}

function changedShard({ path }: PlanSource, problem: string): DataError {
  return new DataError(`${path}: ${problem}. The shard has changed since it was planned; plan again.`);
}

/** A block's vectors as float32. @throws DataError for the first row that cannot be searched as it will be stored */
function checkedVectors(
  shard: ShardReader,
  block: ShardBlock,
  { metric, vectorType }: { metric: Metric; vectorType: VectorType },
): Float32Array {
  const vectors = toFloat32(shard, block);
  const bad =
    findBadVector(vectors, block.rows, shard.dimension, metric) ??
    (vectorType === 'float16' ? findLostInFloat16(vectors, block.rows, shard.dimension, metric) : undefined);
  if (!bad) return vectors;
  throw new DataError(`${shard.path}: ${describeBadVector(bad, block.start, columnBytes(block.ids, bad.row))}.`);
}
