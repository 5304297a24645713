import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cacheFolderOf, withCachedEmbedder } from '../../workers/src/embed/cached-embedder.ts';
import type { Embedder } from '../../workers/src/embed/embedder.ts';
import { openVectorCache } from '../../workers/src/embed/vector-cache.ts';
import type { ShardAttributes } from '../../workers/src/shard/shard.ts';
import { temporaryFolder } from '../support/run.ts';

/** Embeds a sequence as its length and first letter, and records the requested sequences. */
function countingEmbedder(requests: string[][], attributes = {}): Embedder {
  return {
    dimension: 2,
    attributes: { model: 'm', ...attributes },
    async embed(sequences) {
      requests.push([...sequences]);
      return Float32Array.from(sequences.flatMap((sequence) => [sequence.length, sequence.charCodeAt(0)]));
    },
    async close() {},
  };
}

test.each(['a cache', undefined])('computes each sequence once (%s)', async (name) => {
  const folder = await temporaryFolder();
  const cache = name && join(folder, name);
  const keeping = { cache, checkpoints: undefined, output: join(folder, 'o.h5'), inputHash: undefined };
  const requests: string[][] = [];
  const computed = await withCachedEmbedder(countingEmbedder(requests), keeping, async (embedder) => {
    expect([...(await embedder.embed(['MK', 'A', 'MK']))]).toEqual([2, 77, 1, 65, 2, 77]);
    expect([...(await embedder.embed(['A', 'GGG']))]).toEqual([1, 65, 3, 71]);
    return embedder.computed;
  });
  expect(requests).toEqual([['MK', 'A'], ['GGG']]);
  expect(computed).toBe(3);

  const again: string[][] = [];
  await withCachedEmbedder(countingEmbedder(again), keeping, (embedder) => embedder.embed(['MK', 'V']));
  expect(again).toEqual([cache === undefined ? ['MK', 'V'] : ['V']]);
});

test.each([undefined, 'checkpoints'])(
  'vectors of a failed run are available only to the same run (%s)',
  async (name) => {
    const folder = await temporaryFolder();
    const keeping = {
      cache: undefined,
      checkpoints: name && join(folder, name),
      output: join(folder, 'o.h5'),
      inputHash: 'one',
    };
    const run = async (changed: Partial<typeof keeping>, attributes: ShardAttributes, error?: Error) => {
      const requests: string[][] = [];
      const work = withCachedEmbedder(
        countingEmbedder(requests, attributes),
        { ...keeping, ...changed },
        async (embedder) => {
          await embedder.embed(['MK', 'A']);
          if (error) throw error;
        },
      );
      if (error) await expect(work).rejects.toBe(error);
      else await work;
      return requests.flat();
    };
    const left = async () =>
      (await readdir(folder, { recursive: true })).filter((path) => path.endsWith('.keys')).length;
    expect(await run({}, {}, new Error('no more memory'))).toEqual(['MK', 'A']);
    expect(await left()).toBe(1);
    expect(await run({ inputHash: 'two' }, {})).toEqual(['MK', 'A']);
    expect(await run({}, { pooling: 'cls' })).toEqual(['MK', 'A']);
    expect(await run({}, { model_hash: '2' })).toEqual(['MK', 'A']);
    expect(await left()).toBe(1);
    expect(await run({}, {})).toEqual([]);
    expect(await left()).toBe(0);
    expect(await run({}, {})).toEqual(['MK', 'A']);
  },
);

test('a run that computed nothing leaves no folder', async () => {
  const folder = await temporaryFolder();
  const keeping = { cache: undefined, checkpoints: undefined, output: join(folder, 'o.h5'), inputHash: 'one' };
  const work = withCachedEmbedder(countingEmbedder([]), keeping, async () => {
    throw new Error('at once');
  });
  await expect(work).rejects.toThrow('at once');
  expect(await readdir(folder)).toEqual([]);
});

test('vectors of another model or option are in another folder', () => {
  const int8 = { precision: 'int8' };
  const ways = [
    {},
    { model_hash: '1' },
    { pooling: 'cls' },
    { max_length: 5 },
    int8,
    { ...int8, weight_rounding: 'x' },
  ];
  const folders = ways.map((attributes) => cacheFolderOf('/cache', countingEmbedder([], attributes)));
  expect(new Set(folders).size).toBe(ways.length);
  expect(cacheFolderOf('/cache', countingEmbedder([]))).toBe(folders[0]);
});

test('vectors that cannot be searched are not kept, and not read from a cache that has them', async () => {
  const folder = await temporaryFolder();
  const keeping = { cache: folder, checkpoints: undefined, output: join(folder, 'o.h5'), inputHash: undefined };
  const requests: string[][] = [];
  const good = countingEmbedder(requests);
  const bad = ['MK', 'GGG', 'V'];
  const failing: Embedder = {
    ...good,
    embed: async (sequences) =>
      (await good.embed(sequences)).map((value, i) => (bad.includes(sequences[i >> 1]!) && i % 2 ? Number.NaN : value)),
  };
  const sequences = ['MK', 'A', 'GGG', 'C', 'C', 'V'];
  const run = (embedder: Embedder) => withCachedEmbedder(embedder, keeping, (cached) => cached.embed(sequences));
  expect([...(await run(failing))]).toEqual([2, NaN, 1, 65, 3, NaN, 1, 67, 1, 67, 1, NaN]);
  // Like a vector that an earlier LanceFlow kept without a check.
  const cache = await openVectorCache(cacheFolderOf(folder, good), 2);
  const key = new Uint32Array(new Uint8Array(createHash('sha256').update('MK').digest()).buffer, 0, 4);
  await cache.add(key, Float32Array.of(Number.POSITIVE_INFINITY, 0));
  await cache.close();
  requests.length = 0;
  expect([...(await run(good))]).toEqual([2, 77, 1, 65, 3, 71, 1, 67, 1, 67, 1, 86]);
  expect(requests).toEqual([bad]);
});
