import { describe, expect, it } from 'vitest';
import { BlockScorer } from '../../../workers/src/search/engine/block-scorer.ts';
import { BLOCK_ROWS } from '../../../workers/src/search/engine/memory.ts';
import { NearestRows, type RowTies } from '../../../workers/src/search/engine/nearest.ts';
import { prepareSearch } from '../../../workers/src/search/engine/shared-search.ts';
import { METRICS, type Metric } from '../../../workers/src/vectors/metric.ts';
import { KINDS, kindOfRows, rowOf } from '../../support/kinds-of-rows.ts';
import { trueDistance } from '../../support/true-distance.ts';

interface Setting {
  metric: Metric;
  kind: (typeof KINDS)[number];
  dimension: number;
  rows: number;
  queryCount: number;
  k: number;
  /** Compare every second query only. */
  some?: boolean;
}

/** Searches block by block, and returns how many pairs were rescored. */
async function search({ metric, kind, dimension, rows, queryCount, k, some }: Setting) {
  const table = kindOfRows(kind, 1, rows, dimension);
  const vectors = kindOfRows(kind, 2, queryCount, dimension, metric === 'cosine');
  // A query that is a row as well.
  if (queryCount > 1 && metric !== 'cosine') vectors.set(rowOf(table, 0, dimension), dimension);
  const queries = { count: queryCount, vectors, id: () => new Uint8Array() };
  const mean = new Float32Array(dimension);
  for (let i = 0; i < table.length; i++) mean[i % dimension]! += table[i]! / rows;
  const common = some ? undefined : mean;
  const { shared, scratchAddresses, blockBuffers } = await prepareSearch({ metric, dimension }, queries, k, common, 1);
  const nearest = new NearestRows(queryCount, k);
  const scorer = new BlockScorer(shared, scratchAddresses[0]!, nearest.memory);
  const own = Int32Array.from({ length: Math.ceil(queryCount / 2) }, (_, i) => 2 * i);
  const chosen = some ? { queries: own, centre: mean } : undefined;
  for (let first = 0; first < rows; first += BLOCK_ROWS) {
    const block = table.subarray(first * dimension, (first + BLOCK_ROWS) * dimension);
    blockBuffers[0]!.set(block);
    const vectors = blockBuffers[0]!.subarray(0, block.length);
    const rowIds = Float64Array.from({ length: BLOCK_ROWS }, (_, row) => first + row);
    const addTies = (ties: RowTies) => nearest.addTies(ties);
    addTies(await scorer.score({ vectors, rowIds }, chosen, addTies));
  }
  const rescored = scorer.rescoredPairs;
  await scorer.close();
  for (let query = 0; query < queryCount; query++) {
    const { distances, rows: kept, ties } = nearest.kept(query);
    if (some && query % 2 === 1) {
      expect(kept.length).toBe(0);
      continue;
    }
    const truth = Array.from({ length: rows }, (_, row) =>
      trueDistance(metric, rowOf(vectors, query, dimension), rowOf(table, row, dimension)),
    );
    const sorted = Float32Array.from(truth).sort();
    expect(Float32Array.from(distances).sort()).toEqual(sorted.subarray(0, k));
    for (const [i, row] of kept.entries()) expect(truth[row]).toBe(distances[i]);
    const limit = nearest.limit(query);
    const within = truth.filter((distance) => distance <= limit).length;
    expect(kept.length + ties.length).toBe(Math.min(within, rows));
  }
  return rescored;
}

describe('BlockScorer', () => {
  const cases = METRICS.flatMap((metric) => KINDS.map((kind) => [metric, kind] as const));

  it.each(cases)('finds exactly the nearest rows and all ties with the last: %s, %s', async (metric, kind) => {
    await search({ metric, kind, dimension: 64, rows: 2500, queryCount: 40, k: 7 });
    // Filtered by codes, because there are many queries.
    await search({ metric, kind, dimension: 64, rows: 1500, queryCount: 90, k: 7 });
    // Filtered by float32, because the dimension is not a multiple of 16.
    await search({ metric, kind, dimension: 19, rows: 1300, queryCount: 20, k: 3 });
  });

  it.each(METRICS)(
    'for one query, one row, more neighbours than rows of a block, some of the queries: %s',
    async (metric) => {
      await search({ metric, kind: 'normal', dimension: 16, rows: 1, queryCount: 1, k: 1 });
      await search({ metric, kind: 'normal', dimension: 32, rows: 100, queryCount: 3, k: 100 });
      await search({ metric, kind: 'offset', dimension: 32, rows: 2300, queryCount: 5, k: 1500 });
      await search({ metric, kind: 'offset', dimension: 48, rows: 1100, queryCount: 37, k: 5, some: true });
      await search({ metric, kind: 'offset', dimension: 48, rows: 1100, queryCount: 170, k: 5, some: true });
      await search({ metric, kind: 'normal', dimension: 2560, rows: 300, queryCount: 18, k: 5 });
    },
  );

  it('rescores few pairs if rows are spread out, in products of several tiles', async () => {
    const rescored = await search({
      metric: 'cosine',
      kind: 'normal',
      dimension: 128,
      rows: 3000,
      queryCount: 700,
      k: 2,
    });
    expect(rescored).toBeLessThan(700 * 60);
  });
});
