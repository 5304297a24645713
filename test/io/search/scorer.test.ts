import { describe, expect, it } from 'vitest';
import { METRICS } from '../../../workers/src/core/metric.ts';
import { productError } from '../../../workers/src/core/search/true-distance.ts';
import { createScorer, sealBlock } from '../../../workers/src/io/search/scorer.ts';
import { kindOfRows, rowOf } from '../../support/kinds-of-rows.ts';
import { sumInFours, trueDistance } from '../../support/true-distance.ts';

const ROWS = 300;

describe('createScorer', () => {
  const cases = METRICS.flatMap((metric) =>
    [1, 3, 64, 960, 2560].flatMap((dimension) =>
      (['normal', 'alike', 'lengths'] as const).map((kind) => [metric, dimension, kind] as const),
    ),
  );

  it.each(cases)('is as exact as it says, far within: %s, D = %i, %s', async (metric, dimension, kind) => {
    const rows = kindOfRows(kind, 1, ROWS, dimension);
    const queries = kindOfRows(kind, 2, 5, dimension, metric === 'cosine');
    const scorer = createScorer(dimension, metric);
    const block = sealBlock(rows, dimension);
    const { filled, distances, longestSquare } = await scorer.distances(queries, block);
    expect(filled).toBe(512);
    const positions = await scorer.nearest(queries, block, filled);
    for (let q = 0; q < 5; q++) {
      const query = rowOf(queries, q, dimension);
      const square = sumInFours(dimension, (i) => query[i]! ** 2);
      const error = productError(metric, dimension, square, longestSquare);
      const own = positions.subarray(q * filled, q * filled + ROWS);
      expect(new Set(own).size).toBe(ROWS);
      for (let row = 0; row < filled; row++) {
        const found = distances[q * filled + row]!;
        if (row >= ROWS) {
          expect(found).toBe(Number.POSITIVE_INFINITY);
          continue;
        }
        const exact = trueDistance(metric, query, rowOf(rows, row, dimension));
        expect(Math.abs(found + (metric === 'l2' ? square : 0) - exact)).toBeLessThan(error / 2);
      }
      for (let i = 1; i < ROWS; i++)
        expect(distances[q * filled + own[i]!]!).toBeGreaterThanOrEqual(distances[q * filled + own[i - 1]!]! - error);
    }
    await scorer.close();
  });
});
