import { closeSync, openSync } from 'node:fs';
import { writePieces } from '../base/files/write-pieces.ts';
import type { PlanSource } from '../database/catalog/bucket-plan.ts';
import { readRanges, toFloat32 } from '../shard/shard-blocks.ts';
import type { RowRange } from '../shard/shard-worker.ts';
import { lengthOf, normalizeRows } from '../vectors/kmeans.ts';
import { openPlanned } from './source-rows.ts';

/** Vectors of a sample that are read in one request. */
const REQUEST_BYTES = 4 * 2 ** 20;
/** Vectors of a sample that a thread reads. */
const TASK_BYTES = 32 * 2 ** 20;

/** Rows of one source that belong to the sample. */
export interface SampleTask {
  source: PlanSource;
  ranges: RowRange[];
  /** Position of their first row in the sample. */
  position: number;
  rows: number;
}

/**
 * Chooses about `wanted` rows, evenly spread over a bucket in slices of up to `sliceRows`, and divides them among tasks.
 * @param rowBytes of a vector
 */
export function* sampleTasks(
  sources: readonly PlanSource[],
  wanted: number,
  sliceRows: number,
  rowBytes: number,
): Generator<SampleTask> {
  const rows = sources.reduce((sum, { start, end }) => sum + end - start, 0);
  const share = Math.min(1, wanted / rows);
  const stride = Math.max(1, Math.floor(sliceRows / share));
  const taskRows = Math.max(1, TASK_BYTES / rowBytes);
  let position = 0;
  for (const source of sources) {
    let task: SampleTask = { source, ranges: [], position, rows: 0 };
    for (let start = source.start; start < source.end; start += stride) {
      const count = Math.min(source.end, start + (share === 1 ? stride : sliceRows)) - start;
      if (task.rows > 0 && task.rows + count > taskRows) {
        yield task;
        task = { source, ranges: [], position, rows: 0 };
      }
      task.ranges.push({ start, count });
      task.rows += count;
      position += count;
    }
    yield task;
  }
}

/**
 * Reads rows of a sample and writes them to their place in its file, as float32. They are not checked: each row is when its
 * run is read.
 * @param unit whether they are scaled to unit length
 * @returns the lengths of the rows as they were
 * @throws DataError where the shard is not what the plan says
 */
export async function writeSample(
  { source, ranges, position }: SampleTask,
  path: string,
  dimension: number,
  unit: boolean,
): Promise<Float64Array> {
  const file = openSync(path, 'r+');
  const shard = await openPlanned(source, dimension).catch((error: unknown) => {
    closeSync(file);
    throw error;
  });
  const lengths: number[] = [];
  try {
    for await (const block of readRanges(shard, ranges, REQUEST_BYTES)) {
      const vectors = toFloat32(shard, block);
      const at = (position + lengths.length) * dimension * 4;
      for (let row = 0; row < vectors.length; row += dimension)
        lengths.push(lengthOf(vectors.subarray(row, row + dimension)));
      if (unit) normalizeRows(vectors, dimension);
      writePieces(file, [new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength)], at);
    }
  } finally {
    shard.close();
    closeSync(file);
  }
  return Float64Array.from(lengths);
}
