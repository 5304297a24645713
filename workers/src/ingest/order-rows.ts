import { rm, writeFile } from 'node:fs/promises';
import type { CommandContext } from '../app/command.ts';
import type { ShardAttributes } from '../shard/shard.ts';
import { quantile } from '../vectors/centre.ts';
import type { Centroids } from '../vectors/kmeans.ts';
import { COMPONENT_BYTES } from '../vectors/vector-type.ts';
import { centroidsOfLengths, MOST_LONG, shareLengths } from './partition-lengths.ts';
import type { SortedRuns } from './passes/row-gatherer.ts';
import { createRunFiles } from './passes/run-files.ts';
import { columnCount } from './passes/run-reader.ts';
import { shareRuns } from './passes/run-writer.ts';
import type { TableWork } from './table-work.ts';
import { TRAINING_ROUNDS, type TrainedPartitions, trainPartitions } from './train.ts';
import { SLICE_ROWS, samplePath, type TrainingSample } from './training-sample.ts';
import { writeUnits } from './write-fragments.ts';
import { sampleTasks } from './write-sample.ts';

/** Rows that each centroid is trained on, as far as the bucket has them. */
const SAMPLE_PER_CENTROID = 64;
/**
 * Rows of a copy's sample that are consecutive: consecutive rows of the copied tables are of one partition, so that slices would miss most
 * partitions. Single rows are read quickly there, from a contiguous file on this machine.
 */
const COPIED_SLICE_ROWS = 1;
/** Share of the rows that are not longer than usual. */
const USUAL = 0.9;

/** The partitions of a bucket's rows, and the runs that the rows were sorted into. */
export interface OrderedRows {
  centroids: Centroids;
  /** Rows of each partition, in the order of the table. */
  partitionRows: Float64Array;
  sorted: SortedRuns;
  /** Attributes of the first shard that has any. */
  model: ShardAttributes;
}

/**
 * Sorts the rows of a bucket by their nearest centroid: k-means on a sample, then runs in the scratch folder.
 */
export async function orderRows(work: TableWork, context: CommandContext): Promise<OrderedRows> {
  const { pool, scratch, unitRows } = work;
  const { dimension, metric, vectorType } = work.rowFormat;
  const { centroids: directions, assignPlan, usualLength } = await trainOnSample(work, context);
  const shared = metric === 'dot' ? shareLengths(directions.count, dimension) : undefined;
  const lengths = shared && { usual: usualLength, shared };
  const columns = columnCount(work.rowFormat);
  const runs = shareRuns(directions.count + (shared ? MOST_LONG : 0), columns);
  createRunFiles(scratch, columns);
  await pool.runInEach('startSorting', () => ({ assignPlan, runs, lengths, unitRows }));
  const { written, model } = await writeUnits(work, 'ordering', context, (unit, onEvent) =>
    pool.run('sortUnit', unit, { onEvent }),
  );
  const centroids = shared ? centroidsOfLengths(directions, shared) : directions;
  const partitionRows = Float64Array.from(runs.partitionRows.subarray(0, centroids.count));
  const firstRows = Float64Array.of(0, ...partitionRows);
  for (let i = 1; i < firstRows.length; i++) firstRows[i]! += firstRows[i - 1]!;
  const rowBytes = dimension * COMPONENT_BYTES[vectorType];
  const sorted = { runs: written, firstRows, partitions: runs.partitionRows.length, rowBytes };
  return { centroids, partitionRows, sorted, model };
}

/** Trains centroids on a sample that threads read together. */
async function trainOnSample(
  { bucket, rowFormat: { dimension, metric }, pool, scratch, partitionCount, isCopy }: TableWork,
  { progress }: Pick<CommandContext, 'progress'>,
): Promise<TrainedPartitions & { usualLength: number }> {
  const path = samplePath(scratch);
  await writeFile(path, '', { flag: 'wx' });
  const wanted = partitionCount * SAMPLE_PER_CENTROID;
  const sliceRows = isCopy ? COPIED_SLICE_ROWS : SLICE_ROWS;
  const tasks = [...sampleTasks(bucket.sources, wanted, sliceRows, dimension * 4)];
  const parts = await Promise.all(tasks.map((task) => pool.run('sample', { task, path })));
  const lengths = parts.flatMap((part) => [...part]);
  const bar = progress(`clustering ${bucket.bucket}`, TRAINING_ROUNDS, 'rounds');
  try {
    const sample: TrainingSample = { rows: lengths.length, dimension, path };
    const count = Math.min(partitionCount, sample.rows);
    const trained = await trainPartitions(pool, sample, { count, rows: bucket.rows, metric }, bar);
    await rm(path);
    return { ...trained, usualLength: quantile(lengths, USUAL) };
  } finally {
    bar.stop();
  }
}
