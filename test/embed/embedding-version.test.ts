import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadEmbedder } from '../../workers/src/embed/load-embedder.ts';
import { ARCHITECTURES } from '../../workers/src/embed/transformer/architectures.ts';
import { CHECKPOINTS, embedWith } from '../models/support/published.ts';
import { ROOT } from '../support/run.ts';

/** SHA-256 of the vectors of SEQUENCES by kmer, whose bits are the same on every machine, by version. */
const KMER = new Map([[1, 'bf1fe673cd341deefd7e6bc90502a7611016edb7dc0b2b6c6e131a9ebd3e0a7d']]);
/**
 * Norm and first components of the vector of the first sequence by each architecture, for a checkpoint of random weights, by version.
 * Processors round differently, so these are compared within TOLERANCE.
 */
const TRANSFORMERS: ReadonlyMap<
  number,
  Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>
> = new Map([
  [
    1,
    {
      AMPLIFY: { 'amplify-swiglu': [6.88141, 1.816743, -0.1732573, -1.079075] },
      'ESM-1': { esm1: [3.892687, 0.6142206, 0.4058063, 1.083861] },
      'ESM-2': { esm2: [4.826323, 1.473643, 0.5952785, 1.459273] },
      'ESM-C': {
        esmc: [4.46671, 0.7728691, -0.1339071, -0.7347948],
        'esmc-original': [4.420646, -0.3094156, 1.309508, 0.1404719],
      },
      T5: {
        prott5: [2.049339, -0.8709996, -0.008837875, -0.1725611],
        prostt5: [2.703887, -0.3946762, -0.05314543, -0.9165891],
        ankh: [2.717047, -0.04459057, 0.7310129, 0.03688944],
      },
    },
  ],
]);
const TOLERANCE = 1e-4;
const SEQUENCES = ['MKVLAAGIVGLCAKAYKEWLQ', 'ACDEFGHIKLMNPQRSTVWYX', 'M'];

test('a change of the vectors raises the version, so that the embedding cache does not mix them with older ones', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'workers/src/embed/embedding-version.json'), 'utf8'));
  const embedder = await loadEmbedder('kmer');
  const vectors = await embedder.embed(SEQUENCES);
  await embedder.close();
  const digest = createHash('sha256').update(new Uint8Array(vectors.buffer)).digest('hex');
  expect(KMER.get(version), 'raise the version, and add it with this hash').toBe(digest);
});

test('so do the architectures of language models, each with a checkpoint here', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'workers/src/embed/embedding-version.json'), 'utf8'));
  const expected = TRANSFORMERS.get(version)!;
  expect(Object.keys(expected).sort()).toEqual([...new Set(ARCHITECTURES.map(({ name }) => name))].sort());
  for (const [architecture, checkpoints] of Object.entries(expected))
    for (const [name, numbers] of Object.entries(checkpoints)) {
      const { vectors, attributes } = await embedWith(join(CHECKPOINTS, name), [SEQUENCES[0]!]);
      expect(attributes.architecture).toBe(architecture);
      const found = [Math.hypot(...vectors), ...vectors.subarray(0, numbers.length - 1)];
      const error = Math.max(...found.map((value, i) => Math.abs(value - numbers[i]!))) / numbers[0]!;
      expect(error, `${name}: raise the version, and add it with ${JSON.stringify(found)}`).toBeLessThan(TOLERANCE);
    }
});
