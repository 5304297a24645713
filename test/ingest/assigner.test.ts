import { describe, expect, it } from 'vitest';
import { createAssigner } from '../../workers/src/ingest/assigner.ts';
import { METRICS, type Metric } from '../../workers/src/vectors/metric.ts';
import { KINDS, kindOfRows, rowOf } from '../support/kinds-of-rows.ts';

const [ROWS, COUNT] = [300, 40];

/** Squared distance of a row to a centroid over that to its nearest, in double precision. */
function excess(metric: Metric, row: Float32Array, centroids: Float32Array, own: number): number {
  const length = metric === 'l2' ? 1 : Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
  const distances = Array.from({ length: COUNT }, (_, c) =>
    rowOf(centroids, c, row.length).reduce((sum, x, i) => sum + (x - row[i]! / length) ** 2, 0),
  );
  return distances[own]! / Math.min(...distances);
}

describe('createAssigner', () => {
  const cases = METRICS.flatMap((metric) =>
    [...KINDS, 'outliers' as const]
      // What differs in the fourth digit of a spike is beyond codes of 8 bits.
      .filter((kind) => kind !== 'spikes')
      .map((kind) => [metric, kind] as const),
  );

  it.each(cases)(
    'gives each row the nearest centroid, or nearly, whatever the other rows: %s, %s',
    async (metric, kind) => {
      for (const dimension of [16, 75]) {
        const unit = metric !== 'l2';
        const base = kind === 'outliers' ? 'normal' : kind;
        const vectors = kindOfRows(base, 1, ROWS, dimension);
        const centroids = kindOfRows(base, 2, COUNT, dimension, unit);
        if (kind === 'outliers') {
          vectors.subarray(0, dimension).forEach((x, i) => {
            vectors[i] = x * 1e6;
          });
          vectors[9 * dimension + 3] = 1e9;
          // One of the centroids is far, as under l2 that of a far row is.
          if (!unit) for (let i = 0; i < dimension; i++) centroids[5 * dimension + i]! *= 1e5;
        }
        const assigner = await createAssigner({ count: COUNT, dimension, vectors: centroids }, metric);
        const assigned = new Int32Array(ROWS);
        await assigner.assign(vectors, ROWS, assigned).finally(() => assigner.close());
        const ratios = Array.from(assigned, (own, row) =>
          excess(metric, rowOf(vectors, row, dimension), centroids, own),
        );
        expect(ratios.filter((ratio) => ratio <= 1).length / ROWS).toBeGreaterThan(0.9);
        expect(Math.max(...ratios)).toBeLessThan(1.5);
      }
    },
  );
});
