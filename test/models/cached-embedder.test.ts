import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ShardAttributes } from '../../workers/src/core/shard.ts';
import { cacheFolderOf, withCachedEmbedder } from '../../workers/src/models/cached-embedder.ts';
import type { Embedder } from '../../workers/src/models/embedder.ts';
import { temporaryFolder } from '../support/run.ts';

/** Embeds a sequence as its length and first letter, and tells what it was asked for. */
function countingEmbedder(asked: string[][], attributes = {}): Embedder {
  return {
    dimension: 2,
    attributes: { model: 'm', ...attributes },
    async embed(sequences) {
      asked.push([...sequences]);
      return Float32Array.from(sequences.flatMap((sequence) => [sequence.length, sequence.charCodeAt(0)]));
    },
    async close() {},
  };
}

test.each(['a cache', undefined])('computes each sequence once (%s)', async (name) => {
  const folder = await temporaryFolder();
  const cache = name && join(folder, name);
  const keeping = { cache, checkpoints: undefined, output: join(folder, 'o.h5'), inputHash: undefined };
  const asked: string[][] = [];
  const computed = await withCachedEmbedder(countingEmbedder(asked), keeping, async (embedder) => {
    expect([...(await embedder.embed(['MK', 'A', 'MK']))]).toEqual([2, 77, 1, 65, 2, 77]);
    expect([...(await embedder.embed(['A', 'GGG']))]).toEqual([1, 65, 3, 71]);
    return embedder.computed;
  });
  expect(asked).toEqual([['MK', 'A'], ['GGG']]);
  expect(computed).toBe(3);

  const again: string[][] = [];
  await withCachedEmbedder(countingEmbedder(again), keeping, (embedder) => embedder.embed(['MK', 'V']));
  expect(again).toEqual([cache === undefined ? ['MK', 'V'] : ['V']]);
});

test.each([undefined, 'checkpoints'])(
  'what a failed run has computed is there for the same run only (%s)',
  async (name) => {
    const folder = await temporaryFolder();
    const keeping = {
      cache: undefined,
      checkpoints: name && join(folder, name),
      output: join(folder, 'o.h5'),
      inputHash: 'one',
    };
    const run = async (changed: Partial<typeof keeping>, attributes: ShardAttributes, error?: Error) => {
      const asked: string[][] = [];
      const work = withCachedEmbedder(
        countingEmbedder(asked, attributes),
        { ...keeping, ...changed },
        async (embedder) => {
          await embedder.embed(['MK', 'A']);
          if (error) throw error;
        },
      );
      if (error) await expect(work).rejects.toBe(error);
      else await work;
      return asked.flat();
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

test('vectors made in another way are in another folder', () => {
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
