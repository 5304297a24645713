import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planAssignment, TRAINING_ROUNDS, trainCentroids } from '../../workers/src/ingest/train.ts';
import { SLICE_ROWS, type TrainingSample } from '../../workers/src/ingest/training-sample.ts';
import { METRICS } from '../../workers/src/vectors/metric.ts';
import { clusteredRows } from '../support/clustered-rows.ts';
import { rowOf } from '../support/kinds-of-rows.ts';
import { temporaryFolder } from '../support/run.ts';

const [DIMENSION, CLUSTERS, ROWS] = [12, 8, 40 * SLICE_ROWS + 17];

async function sampleOf(vectors: Float32Array): Promise<TrainingSample> {
  const path = join(await temporaryFolder(), 'sample.f32');
  await writeFile(path, vectors);
  return { rows: vectors.length / DIMENSION, dimension: DIMENSION, path };
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
  const progress = { add: () => rounds++, stop: () => {} };
  const centroids = await trainCentroids(sample, 4 * CLUSTERS, metric, progress);
  expect(rounds).toBe(TRAINING_ROUNDS);
  expect(spread(vectors, centroids.vectors)).toBeLessThan(0.7 * spread(vectors, vectors.slice(0, 32 * DIMENSION)));
  expect(await trainCentroids(sample, 4 * CLUSTERS, metric, progress)).toEqual(centroids);
  const plan = await planAssignment(sample, centroids, metric, ROWS);
  expect(plan).toMatchObject({ dimension: DIMENSION, unit: metric !== 'l2' });
  expect(plan.groups).toBeUndefined();
});

it('trains as many centroids as rows, where there are no more', async () => {
  const sample = await sampleOf(clusteredRows(DIMENSION, CLUSTERS)(1, 20));
  const { vectors } = await trainCentroids(sample, 20, 'l2', { add: () => {}, stop: () => {} });
  expect(vectors).toHaveLength(20 * DIMENSION);
  expect(vectors.every(Number.isFinite)).toBe(true);
});
