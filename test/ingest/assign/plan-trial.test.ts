import { describe, expect, it } from 'vitest';
import { TrialRecall } from '../../../workers/src/ingest/assign/plan-trial.ts';
import { METRICS, type Metric } from '../../../workers/src/vectors/metric.ts';
import { clusteredRows } from '../../support/clustered-rows.ts';
import { rowOf } from '../../support/kinds-of-rows.ts';

/** 0.5% to 10% of the partitions. */
const PROBES = [1, 1, 1, 3, 6];
const [DIMENSION, ROWS, COUNT, NEIGHBOURS] = [24, 120, 60, 10];

/** Distances of a row to others, in double precision. */
function distances(metric: Metric, query: Float32Array, rows: Float32Array): number[] {
  const length = (row: Float32Array) => Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
  return Array.from({ length: rows.length / DIMENSION }, (_, i) => {
    const row = rowOf(rows, i, DIMENSION);
    const product = row.reduce((sum, x, j) => sum + x * query[j]!, 0);
    if (metric === 'l2') return row.reduce((sum, x, j) => sum + (x - query[j]!) ** 2, 0);
    return metric === 'dot' ? -product : -product / length(row) / length(query);
  });
}

function nearest(own: readonly number[], count: number): number[] {
  return own
    .map((distance, i) => ({ distance, i }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ i }) => i);
}

describe.each(METRICS)('the recall of trial rows, %s', (metric) => {
  const rows = clusteredRows(DIMENSION, 12);
  const vectors = rows(2, ROWS, metric !== 'l2');
  const centroids = { count: COUNT, dimension: DIMENSION, vectors: rows(1, COUNT, metric !== 'l2') };

  it('is the share of neighbours whose partition is probed', async () => {
    const recall = await TrialRecall.create(centroids, metric, vectors);
    const partitions = Int32Array.from({ length: ROWS }, (_, i) => (7 * i) % COUNT);
    let [found, pairs] = [0, 0];
    for (let row = 0; row < ROWS; row++) {
      const query = rowOf(vectors, row, DIMENSION);
      const ranked = nearest(distances(metric, query, centroids.vectors), COUNT);
      const others = nearest(distances(metric, query, vectors), NEIGHBOURS + 1).filter((other) => other !== row);
      for (const probes of PROBES)
        found += others.filter((other) => ranked.indexOf(partitions[other]!) < probes).length / PROBES.length;
      pairs += others.length;
    }
    expect(recall.measure(partitions)).toBeCloseTo(found / pairs, 3);
  });

  it('is higher where rows are in the partition of their nearest centroid', async () => {
    const recall = await TrialRecall.create(centroids, metric, vectors);
    const own = Int32Array.from({ length: ROWS }, (_, row) => {
      const [first] = nearest(distances('l2', rowOf(vectors, row, DIMENSION), centroids.vectors), 1);
      return first!;
    });
    const shifted = own.map((partition) => (partition + 1) % COUNT);
    expect(recall.measure(own)).toBeGreaterThan(recall.measure(shifted) + 0.1);
  });
});
