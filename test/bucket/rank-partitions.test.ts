import { describe, expect, it } from 'vitest';
import { rankPartitions } from '../../workers/src/bucket/rank-partitions.ts';
import { METRICS } from '../../workers/src/vectors/metric.ts';
import { kindOfRows, rowOf } from '../support/kinds-of-rows.ts';
import { trueDistance } from '../support/true-distance.ts';

const QUERIES = 5;

describe('rankPartitions', () => {
  const cases = METRICS.flatMap((metric) => [1, 3, 64, 960].map((dimension) => [metric, dimension] as const));

  it.each(cases)('returns the nearest centroids, nearest first: %s, D = %i', async (metric, dimension) => {
    for (const count of [1, 255, 300]) {
      const vectors = kindOfRows('normal', 1, count, dimension);
      const queries = kindOfRows('normal', 2, QUERIES, dimension, metric === 'cosine');
      const nprobes = Math.min(count, 40);
      const centroids = { count, dimension, vectors };
      const { partitions } = await rankPartitions({ count: QUERIES, vectors: queries }, { centroids }, metric, nprobes);
      for (let query = 0; query < QUERIES; query++) {
        const own = rowOf(queries, query, dimension);
        const distances = Array.from({ length: count }, (_, row) =>
          trueDistance(metric, own, rowOf(vectors, row, dimension)),
        );
        const sorted = distances.slice().sort((a, b) => a - b);
        const found = [...partitions.subarray(query * nprobes, (query + 1) * nprobes)];
        expect(new Set(found).size).toBe(nprobes);
        // float32 may exchange centroids at nearly equal distances.
        for (const [rank, partition] of found.entries())
          expect(Math.abs(distances[partition]! - sorted[rank]!)).toBeLessThan(1e-4 * (1 + Math.abs(sorted[rank]!)));
      }
    }
  });

  it.each([1e-5, 1e-9, 1e-15])(
    'distinguishes centroids whose products are small compared with 1: dot, queries x %d',
    async (factor) => {
      const [count, dimension] = [40, 8];
      const vectors = kindOfRows('normal', 1, count, dimension);
      const queries = kindOfRows('normal', 2, QUERIES, dimension);
      const centroids = { count, dimension, vectors };
      const rank = (of: Float32Array) => rankPartitions({ count: QUERIES, vectors: of }, { centroids }, 'dot', 5);
      const short = queries.map((x) => x * factor);
      // Apart from rounding, the order is that of the longer queries.
      expect((await rank(short)).partitions).toEqual((await rank(queries)).partitions);
    },
  );

  it('ranks a zero centroid as far as one at a right angle: cosine', async () => {
    const vectors = Float32Array.of(0, 0, 1, 0, -1, 0, 3, 4);
    const centroids = { count: 4, dimension: 2, vectors };
    const queries = { count: 2, vectors: Float32Array.of(1, 0, -0.6, -0.8) };
    const { partitions } = await rankPartitions(queries, { centroids }, 'cosine', 4);
    expect([...partitions]).toEqual([1, 3, 0, 2, 2, 0, 1, 3]);
  });
});
