import { join } from 'node:path';
import { expect, test } from 'vitest';
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
  const root = name && join(folder, name);
  const asked: string[][] = [];
  const computed = await withCachedEmbedder(countingEmbedder(asked), root, join(folder, 'o.h5'), async (embedder) => {
    expect([...(await embedder.embed(['MK', 'A', 'MK']))]).toEqual([2, 77, 1, 65, 2, 77]);
    expect([...(await embedder.embed(['A', 'GGG']))]).toEqual([1, 65, 3, 71]);
    return embedder.computed;
  });
  expect(asked).toEqual([['MK', 'A'], ['GGG']]);
  expect(computed).toBe(3);

  const again: string[][] = [];
  await withCachedEmbedder(countingEmbedder(again), root, join(folder, 'o.h5'), (embedder) =>
    embedder.embed(['MK', 'V']),
  );
  expect(again).toEqual([root === undefined ? ['MK', 'V'] : ['V']]);
});

test('vectors made in another way are in another folder', () => {
  const folders = [{}, { model_hash: '1' }, { pooling: 'cls' }, { max_length: 5 }].map((attributes) =>
    cacheFolderOf('/cache', countingEmbedder([], attributes)),
  );
  expect(new Set(folders).size).toBe(4);
  expect(cacheFolderOf('/cache', countingEmbedder([]))).toBe(folders[0]);
});
