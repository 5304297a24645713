import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withThreadPool } from '../../workers/src/base/threads/thread-pool.ts';
import type { IngestThread, IngestThreadData } from '../../workers/src/ingest/passes/ingest-thread.ts';
import { TRAINING_ROUNDS, type TrainedPartitions, trainPartitions } from '../../workers/src/ingest/train.ts';
import { SLICE_ROWS, type TrainingSample } from '../../workers/src/ingest/training-sample.ts';
import { METRICS, type Metric } from '../../workers/src/vectors/metric.ts';
import { clusteredRows } from '../support/clustered-rows.ts';
import { rowOf } from '../support/kinds-of-rows.ts';
import { temporaryFolder } from '../support/run.ts';

const [DIMENSION, CLUSTERS, ROWS] = [12, 8, 40 * SLICE_ROWS + 17];

async function sampleOf(vectors: Float32Array): Promise<TrainingSample> {
  const path = join(await temporaryFolder(), 'sample.f32');
  await writeFile(path, vectors);
  return { rows: vectors.length / DIMENSION, dimension: DIMENSION, path };
}

const MODULE = new URL('../../workers/src/ingest/passes/ingest-thread.ts', import.meta.url);

/** Trains in threads of ingest. */
function train(
  sample: TrainingSample,
  { count, metric, threads = 1 }: { count: number; metric: Metric; threads?: number },
  onRound = () => {},
): Promise<TrainedPartitions> {
  const bucket = { dimension: DIMENSION, metric, vectorType: 'float32', readType: 'float32', kept: [] } as const;
  const workerData: IngestThreadData = { bucket, unitBytes: 0, scratch: '', data: '' };
  const options = { name: 'ingest', count: threads, workerData: () => workerData };
  return withThreadPool<IngestThread, TrainedPartitions>(MODULE, options, (pool) =>
    trainPartitions(pool, sample, { count, rows: sample.rows, metric }, { add: onRound }),
  );
}

/** The mean squared distance of rows to their nearest centroid, in double precision. */
function spread(vectors: Float32Array, centroids: Float32Array): number {
  let sum = 0;
  for (let row = 0; row < vectors.length / DIMENSION; row++) {
    const own = rowOf(vectors, row, DIMENSION);
    const distances = Array.from({ length: centroids.length / DIMENSION }, (_, c) =>
      rowOf(centroids, c, DIMENSION).reduce((total, x, i) => total + (x - own[i]!) ** 2, 0),
    );
    sum += Math.min(...distances);
  }
  return sum / (vectors.length / DIMENSION);
}

it.each(METRICS)('trains centroids that are nearer to the rows than rows are to each other: %s', async (metric) => {
  const vectors = clusteredRows(DIMENSION, CLUSTERS)(1, ROWS, metric !== 'l2');
  const sample = await sampleOf(vectors);
  let rounds = 0;
  const { centroids, assignPlan } = await train(sample, { count: 4 * CLUSTERS, metric }, () => rounds++);
  expect(rounds).toBe(TRAINING_ROUNDS);
  expect(spread(vectors, centroids.vectors)).toBeLessThan(0.7 * spread(vectors, vectors.slice(0, 32 * DIMENSION)));
  expect(assignPlan).toMatchObject({ dimension: DIMENSION, unit: metric !== 'l2' });
  expect(assignPlan.groups).toBeUndefined();
});

it('trains the same centroids in 1, 2 and 7 threads', async () => {
  const sample = await sampleOf(clusteredRows(DIMENSION, CLUSTERS)(1, ROWS));
  const [one, ...others] = await Promise.all(
    [1, 2, 7].map((threads) => train(sample, { count: 4 * CLUSTERS + 1, metric: 'l2', threads })),
  );
  for (const other of others) expect(other).toEqual(one);
});

it('trains as many centroids as rows, where there are no more', async () => {
  const sample = await sampleOf(clusteredRows(DIMENSION, CLUSTERS)(1, 20));
  const { vectors } = (await train(sample, { count: 20, metric: 'l2' })).centroids;
  expect(vectors).toHaveLength(20 * DIMENSION);
  expect(vectors.every(Number.isFinite)).toBe(true);
});
