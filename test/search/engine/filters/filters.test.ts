import { describe, expect, it } from 'vitest';
import { LANES } from '../../../../workers/src/base/wasm/simd.ts';
import { instantiateKernels } from '../../../../workers/src/search/engine/block-scorer.ts';
import { CodeFilter } from '../../../../workers/src/search/engine/filters/code-filter.ts';
import { FloatFilter } from '../../../../workers/src/search/engine/filters/float-filter.ts';
import { PairSelector, type Tile } from '../../../../workers/src/search/engine/filters/pair-selector.ts';
import { BLOCK_ROWS, scratchBytes, TILE_QUERIES } from '../../../../workers/src/search/engine/memory.ts';
import { prepareSearch } from '../../../../workers/src/search/engine/shared-search.ts';
import { METRICS, type Metric } from '../../../../workers/src/vectors/metric.ts';
import { KINDS, kindOfRows, rowOf } from '../../../support/kinds-of-rows.ts';
import { trueDistance } from '../../../support/true-distance.ts';

const ROWS = 900;
const QUERIES = 40;
const K = 5;

type Kind = (typeof KINDS)[number] | 'same';

/** A filter over one block, with the limits of queries that have seen `seen` rows of it. */
async function filterOf(way: 'codes' | 'floats', metric: Metric, kind: Kind, seen: number, dimension = 64) {
  const table = kindOfRows(kind === 'same' ? 'normal' : kind, 1, ROWS, dimension);
  if (kind === 'same') for (let row = 1; row < ROWS; row++) table.copyWithin(row * dimension, 0, dimension);
  const vectors = kindOfRows(kind === 'same' ? 'normal' : kind, 2, QUERIES, dimension, metric === 'cosine');
  const queries = { count: QUERIES, vectors, id: () => new Uint8Array() };
  const { shared, scratchAddresses, blockBuffers } = await prepareSearch(
    { metric, dimension },
    queries,
    K,
    undefined,
    1,
  );
  const distances = Array.from({ length: QUERIES }, (_, query) =>
    Float32Array.from({ length: ROWS }, (_, row) =>
      trueDistance(metric, rowOf(vectors, query, dimension), rowOf(table, row, dimension)),
    ),
  );
  if (seen > 0)
    for (const [query, own] of distances.entries()) shared.limits[query] = own.slice(0, seen).sort()[K - 1]!;
  let at = scratchAddresses[0]!;
  const take = (bytes: number) => {
    const from = at;
    at += Math.ceil(bytes / 64) * 64;
    return from;
  };
  const { buffer } = shared.memory;
  const kernels = instantiateKernels(shared.module, shared.memory);
  const most = BLOCK_ROWS * TILE_QUERIES;
  const pairs = new Uint32Array(buffer, take(4 * most), most);
  const selector = new PairSelector(kernels, buffer, take, pairs, K);
  const floats = new FloatFilter(shared, kernels, take, selector);
  const codes = new CodeFilter(shared, kernels, take, selector);
  expect(at - scratchAddresses[0]!).toBeLessThanOrEqual(scratchBytes(dimension));
  const block = blockBuffers[0]!.subarray(0, table.length);
  block.set(table);
  const width = Math.ceil(QUERIES / LANES) * LANES;
  const tile: Tile = { first: 0, count: QUERIES, width, queryOf: (i) => i };
  const centre = new Float32Array(dimension);
  for (let i = 0; i < table.length; i++) centre[i % dimension]! += table[i]! / ROWS;
  const run = () => {
    floats.begin();
    codes.begin();
    return way === 'codes' ? codes.run(tile, block, centre) : floats.run(tile, block);
  };
  const runAnyway = () => {
    floats.begin();
    return floats.runAnyway(tile, block);
  };
  const close = async () => {
    await floats.close();
    await codes.close();
  };
  /** The filter kept every pair that belongs to the answer. */
  const expectNoneMissing = (left: number) => {
    const kept = new Set(pairs.subarray(0, left));
    for (const [query, own] of distances.entries()) {
      const limit = Math.min(shared.limits[query]!, own.slice().sort()[K - 1]!);
      for (const [row, distance] of own.entries())
        if (distance <= limit) expect(kept.has(row * width + query)).toBe(true);
    }
  };
  return { run, runAnyway, close, expectNoneMissing, limits: shared.limits };
}

describe.each(['codes', 'floats'] as const)('products of %s', (way) => {
  it.each(METRICS)('prune most pairs, and none that belongs to the answer: %s', async (metric) => {
    for (const seen of [0, ROWS / 2, ROWS]) {
      const { run, close, expectNoneMissing } = await filterOf(way, metric, 'normal', seen);
      const left = await run();
      // Of 900 rows a query, hardly more than the five that belong.
      expect(left).toBeLessThan(QUERIES * (way === 'codes' ? 4 : 1.5) * K);
      expectNoneMissing(left!);
      await close();
    }
  });

  it('report if they cannot tell rows apart, and are then skipped for a while', async () => {
    const { run, close, limits } = await filterOf(way, 'l2', 'same', 0);
    expect(await run()).toBeUndefined();
    limits.fill(-1);
    for (let tile = 0; tile < 7; tile++) expect(await run()).toBeUndefined();
    expect(await run()).toBe(0);
    await close();
  });
});

describe('FloatFilter', () => {
  const cases = METRICS.flatMap((metric) => KINDS.map((kind) => [metric, kind] as const));

  it.each(cases)('prunes none that belongs to the answer, for any dimension: %s, %s', async (metric, kind) => {
    for (const dimension of [1, 3, 16, 67, 480])
      for (const seen of [0, ROWS / 3]) {
        const { runAnyway, close, expectNoneMissing } = await filterOf('floats', metric, kind, seen, dimension);
        expectNoneMissing(await runAnyway());
        await close();
      }
  });
});
