import { describe, expect, it } from 'vitest';
import { METRICS } from '../../../workers/src/core/metric.ts';
import { productError, squaredLength, trueDistance } from '../../../workers/src/core/search/true-distance.ts';
import { allocateBlock, createScorer, sealBlock } from '../../../workers/src/io/search/scorer.ts';
import { randomRows } from '../../support/shards.ts';

const ROWS = 300;

/** Vectors of several kinds: normal, all positive and nearly the same, and of lengths from 1e-4 to 1e4. */
function vectors(seed: number, rows: number, dimension: number, kind: string): Float32Array {
  const { vectors: normal } = randomRows(seed, rows, dimension);
  if (kind === 'normal') return normal;
  if (kind === 'alike') return normal.map((x) => 5 + x * 1e-3);
  return normal.map((x, i) => x * 10 ** ((Math.floor(i / dimension) % 9) - 4));
}

describe('createScorer', () => {
  const cases = METRICS.flatMap((metric) =>
    [1, 3, 64, 960, 2560].flatMap((dimension) =>
      ['normal', 'alike', 'lengths'].map((kind) => [metric, dimension, kind] as const),
    ),
  );

  it.each(cases)('is as exact as it says, far within: %s, D = %i, %s', async (metric, dimension, kind) => {
    const rows = vectors(1, ROWS, dimension, kind);
    const queries = vectors(2, 5, dimension, kind);
    if (metric === 'cosine')
      for (let q = 0; q < 5; q++) {
        const length = Math.sqrt(squaredLength(queries, q * dimension, dimension));
        for (let i = 0; i < dimension; i++) queries[q * dimension + i]! /= length;
      }
    const room = allocateBlock(512, dimension);
    room.vectors.set(rows);
    const block = sealBlock(room, ROWS, dimension);
    const scorer = await createScorer(dimension, metric);
    const { count, distances, positions, longestSquare } = await scorer.nearest(queries, block, 1000);
    expect(count).toBe(512);
    for (let q = 0; q < 5; q++) {
      const square = squaredLength(queries, q * dimension, dimension);
      const error = productError(metric, dimension, square, longestSquare);
      expect(new Set(positions.subarray(q * count, q * count + ROWS)).size).toBe(ROWS);
      for (let i = 0; i < count; i++) {
        const position = positions[q * count + i]!;
        if (i >= ROWS) {
          expect(distances[q * count + i]).toBe(Number.POSITIVE_INFINITY);
          continue;
        }
        const exact = trueDistance(metric, dimension, queries, q * dimension, square, rows, position * dimension);
        const found = distances[q * count + i]! + (metric === 'l2' ? square : 0);
        expect(Math.abs(found - exact)).toBeLessThan(error / 2);
      }
      const all = await scorer.distances(queries.subarray(q * dimension, (q + 1) * dimension), block);
      for (let i = 0; i < ROWS; i++)
        expect(Math.abs(all[positions[q * count + i]!]! - distances[q * count + i]!)).toBeLessThan(error / 2);
    }
    await scorer.close();
  });
});
