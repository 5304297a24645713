import { describe, expect, it } from 'vitest';
import { METRICS, type Metric } from '../../../workers/src/core/metric.ts';
import { LANES } from '../../../workers/src/core/search/kernels.ts';
import { BLOCK_ROWS, scratchBytes, TILE_QUERIES } from '../../../workers/src/core/search/memory.ts';
import { instantiateKernels, type Tile } from '../../../workers/src/io/search/block-scorer.ts';
import { CodeFilter } from '../../../workers/src/io/search/code-filter.ts';
import { prepareSearch } from '../../../workers/src/io/search/shared-search.ts';
import { kindOfRows, rowOf } from '../../support/kinds-of-rows.ts';
import { trueDistance } from '../../support/true-distance.ts';

const DIMENSION = 64;
const ROWS = 900;
const QUERIES = 40;
const K = 5;

/** A filter over one block, with the limits of queries that have seen `seen` rows of it. */
async function filterOf(metric: Metric, kind: 'normal' | 'same', seen: number) {
  const table = kindOfRows('normal', 1, ROWS, DIMENSION);
  if (kind === 'same') for (let row = 1; row < ROWS; row++) table.copyWithin(row * DIMENSION, 0, DIMENSION);
  const vectors = kindOfRows('normal', 2, QUERIES, DIMENSION, metric === 'cosine');
  const queries = { count: QUERIES, vectors, id: () => new Uint8Array() };
  const { shared, scratches, rooms } = await prepareSearch({ metric, dimension: DIMENSION }, queries, K, undefined, 1);
  const distances = Array.from({ length: QUERIES }, (_, query) =>
    Float32Array.from({ length: ROWS }, (_, row) =>
      trueDistance(metric, rowOf(vectors, query, DIMENSION), rowOf(table, row, DIMENSION)),
    ),
  );
  if (seen > 0)
    for (const [query, own] of distances.entries()) shared.limits[query] = own.slice(0, seen).sort()[K - 1]!;
  let at = scratches[0]!;
  const take = (bytes: number) => {
    const from = at;
    at += Math.ceil(bytes / 64) * 64;
    return from;
  };
  const kernels = instantiateKernels(shared.module, shared.memory);
  const most = BLOCK_ROWS * TILE_QUERIES;
  const pairs = new Uint32Array(shared.memory.buffer, take(4 * most), most);
  const filter = await CodeFilter.create(shared, kernels, take, pairs);
  expect(at - scratches[0]!).toBeLessThanOrEqual(scratchBytes(DIMENSION));
  const block = rooms[0]!.subarray(0, table.length);
  block.set(table);
  const width = Math.ceil(QUERIES / LANES) * LANES;
  const tile: Tile = { first: 0, count: QUERIES, width, queryOf: (i) => i };
  const centre = new Float32Array(DIMENSION);
  for (let i = 0; i < table.length; i++) centre[i % DIMENSION]! += table[i]! / ROWS;
  const run = () => {
    filter.begin();
    return filter.run(tile, block, centre);
  };
  return { filter, run, pairs, width, distances, limits: shared.limits };
}

describe('CodeFilter', () => {
  it.each(METRICS)('leaves out most pairs, and none that belongs: %s', async (metric) => {
    for (const seen of [0, ROWS / 2, ROWS]) {
      const { filter, run, pairs, width, distances, limits } = await filterOf(metric, 'normal', seen);
      const left = await run();
      expect(left).toBeDefined();
      // Of 900 rows a query, hardly more than the five that belong.
      expect(left).toBeLessThan(QUERIES * 4 * K);
      const kept = new Set(pairs.subarray(0, left));
      for (const [query, own] of distances.entries()) {
        const limit = Math.min(limits[query]!, own.slice().sort()[K - 1]!);
        for (const [row, distance] of own.entries())
          if (distance <= limit) expect(kept.has(row * width + query)).toBe(true);
      }
      await filter.close();
    }
  });

  it('says where the codes cannot tell rows apart, and is not asked for a while', async () => {
    const { filter, run, limits } = await filterOf('l2', 'same', 0);
    expect(await run()).toBeUndefined();
    limits.fill(-1);
    for (let tile = 0; tile < 7; tile++) expect(await run()).toBeUndefined();
    expect(await run()).toBe(0);
    await filter.close();
  });
});
