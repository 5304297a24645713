import { open } from 'node:fs/promises';
import type { CommandContext } from '../app/command.ts';
import type { Progress } from '../app/progress.ts';
import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import { concatenateColumns } from '../base/bytes/utf8-column.ts';
import type { PlanSource } from '../database/catalog/plan.ts';
import { quantile } from '../vectors/centre.ts';
import { type Centroids, isSpherical, lengthOf, normalizeRows } from '../vectors/kmeans.ts';
import type { Metric } from '../vectors/metric.ts';
import type { VectorType } from '../vectors/vector-type.ts';
import type { AssignPlan } from './assign/assign-plan.ts';
import { createAssigner } from './assign/assigner.ts';
import { PartitionSorter, type SortedRows } from './external-sort.ts';
import { PartitionLengths } from './partition-lengths.ts';
import { readSources, sampleSources } from './source-rows.ts';
import { planAssignment, TRAINING_ROUNDS, trainCentroids } from './train.ts';
import { SLICE_ROWS, samplePath, type TrainingSample } from './training-sample.ts';
import { fragmentRows } from './write-table.ts';

/** Rows that each centroid is trained on, as far as the bucket has them. */
const SAMPLE_PER_CENTROID = 64;
/** Share of the rows that are not longer than usual. */
const USUAL = 0.9;
/** Rows sorted in memory at once. */
const RUN_BYTES = 64 * 2 ** 20;
/** Smaller buckets are read as a whole in no time. */
export const LEAST_ROWS_TO_ORDER = 1024;

export interface OrderedRows {
  centroids: Centroids;
  /** Rows of each partition, in the order of the table. */
  partitionRows: Float64Array;
  /** The rows by partition; can be read once. */
  batches(): AsyncGenerator<SortedRows>;
  close(): void;
}

interface Bucket {
  bucket: string;
  rows: number;
  sources: readonly PlanSource[];
}

/**
 * Orders the rows of a bucket by their nearest centroid: k-means on a sample, then an external sort in `scratch`.
 * int(sqrt(rows)) partitions, as the article has for its index.
 */
export async function orderRows(
  bucket: Bucket,
  dimension: number,
  stored: { metric: Metric; vectorType: VectorType },
  scratch: string,
  { progress }: CommandContext,
): Promise<OrderedRows> {
  const { metric } = stored;
  const count = Math.floor(Math.sqrt(bucket.rows));
  const sample = await writeSample(bucket, dimension, metric, count * SAMPLE_PER_CENTROID, samplePath(scratch));
  const training = progress(`clustering ${bucket.bucket}`, TRAINING_ROUNDS, 'rounds');
  const centroids = await trainCentroids(sample, Math.min(count, sample.rows), metric, training).finally(() =>
    training.stop(),
  );
  const assignPlan = await planAssignment(sample, centroids, metric, bucket.rows);
  const lengths = metric === 'dot' ? new PartitionLengths(centroids, sample.usualLength) : undefined;
  const sorter = new PartitionSorter(scratch, dimension, lengths?.mostPartitions ?? centroids.count);
  const sorting = progress(`ordering ${bucket.bucket}`, bucket.rows, 'vectors');
  try {
    await sortRows(bucket.sources, assignPlan, stored, { sorter, lengths }, sorting);
  } catch (error) {
    sorter.close();
    throw error;
  } finally {
    sorting.stop();
  }
  const placed = lengths?.centroids() ?? centroids;
  return {
    centroids: placed,
    partitionRows: sorter.partitionRows.subarray(0, placed.count),
    async *batches() {
      yield* sorter.sorted(fragmentRows(dimension));
    },
    close: () => sorter.close(),
  };
}

async function writeSample(
  { sources }: Bucket,
  dimension: number,
  metric: Metric,
  wanted: number,
  path: string,
): Promise<TrainingSample & { usualLength: number }> {
  const file = await open(path, 'wx');
  const lengths: number[] = [];
  try {
    for await (const slice of sampleSources(sources, dimension, wanted, SLICE_ROWS)) {
      for (let at = 0; at < slice.length; at += dimension) lengths.push(lengthOf(slice.subarray(at, at + dimension)));
      if (isSpherical(metric)) normalizeRows(slice, dimension);
      await file.writeFile(new Uint8Array(slice.buffer, slice.byteOffset, slice.byteLength));
    }
  } finally {
    await file.close();
  }
  return { rows: lengths.length, dimension, path, usualLength: quantile(lengths, USUAL) };
}

async function sortRows(
  sources: readonly PlanSource[],
  assignPlan: AssignPlan,
  stored: { metric: Metric; vectorType: VectorType },
  { sorter, lengths }: { sorter: PartitionSorter; lengths: PartitionLengths | undefined },
  progress: Progress,
): Promise<void> {
  const { dimension } = assignPlan;
  const assigner = await createAssigner(assignPlan);
  const capacity = Math.max(1, Math.floor(RUN_BYTES / (dimension * 4)));
  const run = {
    vectors: new Float32Array(0),
    partitions: new Int32Array(0),
    ids: [] as Utf8Column[],
    idBytes: 0,
    rows: 0,
  };
  const flush = () => {
    if (run.rows === 0) return;
    const vectors = run.vectors.subarray(0, run.rows * dimension);
    sorter.add(vectors, concatenateColumns(run.ids), run.partitions.subarray(0, run.rows));
    run.ids = [];
    run.idBytes = 0;
    run.rows = 0;
  };
  try {
    const blockRows = Math.min(capacity, fragmentRows(dimension));
    for await (const { rows, vectors, ids } of readSources(sources, dimension, stored, blockRows)) {
      if (run.rows + rows > capacity || run.idBytes + ids.bytes.length > RUN_BYTES) flush();
      if (run.vectors.length === 0) {
        const total = sources.reduce((sum, { start, end }) => sum + end - start, 0);
        run.vectors = new Float32Array(Math.min(capacity, total) * dimension);
        run.partitions = new Int32Array(Math.min(capacity, total));
      }
      run.vectors.set(vectors, run.rows * dimension);
      const partitions = run.partitions.subarray(run.rows, run.rows + rows);
      await assigner.assign(vectors, rows, partitions);
      lengths?.place(vectors, partitions);
      run.ids.push(ids);
      run.idBytes += ids.bytes.length;
      run.rows += rows;
      progress.add(rows);
    }
    flush();
  } finally {
    await assigner.close();
  }
}
