import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadModelFolder } from '../../workers/src/embed/transformer/model-folder.ts';
import { openShard } from '../../workers/src/shard/shard-reader.ts';
import { missing } from '../support/run.ts';
import { type FixtureSequence, hasFixtures, readFixture } from './support/fixtures.ts';
import { relativeError } from './support/reference.ts';

const skip = missing(hasFixtures, 'shared/fixtures/embedding');

/** Returns the largest error of the rows of `got`, against one kind of the fixture's reference vectors. */
function worst(
  got: Float32Array,
  dimension: number,
  sequences: FixtureSequence[],
  key: 'mean_residues' | 'mean_with_special' | 'mean_residues_after_final_norm',
): number {
  const errors = sequences.map((sequence, i) =>
    relativeError(got.subarray(i * dimension, (i + 1) * dimension), sequence[key]!),
  );
  return Math.max(...errors);
}

describe.skipIf(skip).each(['amplify-tiny', 'esm2-tiny'])('%s', (name) => {
  test('reproduces expected.h5', async () => {
    const { folder, sequences } = await readFixture(name);
    const embedder = await loadModelFolder(folder);
    const vectors = await embedder.embed(sequences.map(({ normalized }) => normalized));
    await embedder.close();

    const shard = await openShard(join(folder, 'expected.h5'));
    const { vectors: stored } = await shard.readRows(0, shard.rows, new ArrayBuffer(shard.rows * shard.dimension * 4));
    shard.close();
    const want = new Float32Array(stored);
    expect(embedder.dimension).toBe(shard.dimension);
    for (let row = 0; row < shard.rows; row++) {
      const range = [row * shard.dimension, (row + 1) * shard.dimension] as const;
      expect(relativeError(vectors.subarray(...range), want.subarray(...range))).toBeLessThan(1e-5);
    }
  });

  test('padded batches have the same vectors', async () => {
    const { folder, sequences } = await readFixture(name);
    const embedder = await loadModelFolder(folder, { batchTokens: 3000 });
    const vectors = await embedder.embed(sequences.map(({ normalized }) => normalized));
    await embedder.close();
    expect(worst(vectors, embedder.dimension, sequences, 'mean_residues')).toBeLessThan(1e-5);
  });

  test('pools with the special tokens on request', async () => {
    const { folder, sequences } = await readFixture(name);
    const embedder = await loadModelFolder(folder, { pooling: 'mean-special' });
    const vectors = await embedder.embed(sequences.map(({ normalized }) => normalized));
    await embedder.close();
    expect(worst(vectors, embedder.dimension, sequences, 'mean_with_special')).toBeLessThan(1e-5);
    expect(embedder.attributes).toMatchObject({ pooling: 'mean-special' });
  });
});

test.skipIf(skip)('AMPLIFY after its final norm', async () => {
  const { folder, sequences } = await readFixture('amplify-tiny');
  const embedder = await loadModelFolder(folder, { hiddenState: 'after-norm' });
  const vectors = await embedder.embed(sequences.map(({ normalized }) => normalized));
  await embedder.close();
  expect(worst(vectors, embedder.dimension, sequences, 'mean_residues_after_final_norm')).toBeLessThan(1e-5);
  expect(embedder.attributes).toMatchObject({ hidden_state: 'after-norm' });
});
