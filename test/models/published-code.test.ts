// @module-tag slow

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadModelFolder, type ModelFolderOptions } from '../../workers/src/embed/transformer/model-folder.ts';
import { readSafetensorsHeader } from '../../workers/src/onnx/safetensors.ts';
import { CHECKPOINTS } from './support/published.ts';
import { relativeError } from './support/reference.ts';

/** Convention names of make.py. */
const LONGEST = 12;

/** Vectors of the authors' own code, by `<long> <hidden state> <pooling>`: rows of all sequences. */
async function readExpected(folder: string): Promise<Map<string, Float32Array[]>> {
  const path = join(folder, 'expected.safetensors');
  const bytes = await readFile(path);
  const rows = (offset: number, [count, size]: readonly number[]) =>
    Array.from({ length: count! }, (_, i) =>
      Float32Array.from({ length: size! }, (_, j) => bytes.readFloatLE(offset + 4 * (i * size! + j))),
    );
  const tensors = await readSafetensorsHeader(path);
  return new Map([...tensors].map(([name, { offset, shape }]) => [name, rows(offset, shape)]));
}

async function readSequences(): Promise<string[]> {
  const lines = (await readFile(join(CHECKPOINTS, 'sequences.fasta'), 'utf8')).split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('>'));
}

// Written by checkpoints/make.py. They cover F32, F16 and BF16, one file and several, other orders of the vocabulary,
// every option of config.json, and the names that tensors have in checkpoints saved by different programs.
// A model without a token before the residues has no state for `cls`.
describe.each([
  ['amplify-swiglu', 18],
  ['amplify-gelu', 18],
  ['amplify-relu', 9],
  ['esm2', 18],
  ['esm2-bare', 18],
  ['esm2-transformers-5', 18],
  ['esm1', 18],
  ['esmc', 18],
  ['esmc-original', 18],
  ['prott5', 12],
  ['prostt5', 18],
  ['ankh', 12],
])('%s', (name, conventions) => {
  test('matches the authors’ code under all conventions', async () => {
    const folder = join(CHECKPOINTS, name);
    const sequences = await readSequences();
    const expected = await readExpected(folder);
    expect(expected.size).toBe(conventions);
    for (const [convention, rows] of expected) {
      const [long, hiddenState, pooling] = convention.split(' ');
      const options = {
        hiddenState,
        pooling,
        ...(long === 'whole' ? {} : { long, maxResidues: LONGEST }),
      } as ModelFolderOptions;
      // Padded batches differ in the graph, not in what is pooled.
      for (const batchTokens of pooling === 'mean' ? [0, 50] : [0]) {
        const embedder = await loadModelFolder(folder, { ...options, batchTokens });
        const vectors = await embedder.embed(sequences);
        await embedder.close();
        const { dimension } = embedder;
        const errors = rows.map((row, i) => relativeError(vectors.subarray(i * dimension, (i + 1) * dimension), row));
        expect(Math.max(...errors), `${convention} ${errors}`).toBeLessThan(1e-5);
      }
    }
  });
});
