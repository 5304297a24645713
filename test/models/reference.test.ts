import { expect, test } from 'vitest';
import { loadModelFolder, type ModelFolderOptions } from '../../workers/src/embed/transformer/model-folder.ts';
import { POOLINGS } from '../../workers/src/embed/transformer/pooling.ts';
import { PROCESSORS } from '../support/byte-product.ts';
import { temporaryFolder } from '../support/run.ts';
import { type CheckpointOptions, type Family, idsOf, randomCheckpoint } from './support/checkpoint.ts';
import { integerProduct } from './support/integer-product.ts';
import { amplifyReference, esm2Reference, type LinearProduct, meanOf, relativeError } from './support/reference.ts';

const REFERENCE = { amplify: amplifyReference, esm2: esm2Reference };
const SEQUENCES = ['M', 'KV', 'MKTAYIAKQRQISFVKSHFSRQ', 'XBZ*MNPOU-.é', 'ACDEFGHIKLMNPQRSTVWY'.repeat(4)];
/** The bound in docs/models.md. */
const INT8_BOUND = 0.1;

async function largestError(
  family: Family,
  fields: object,
  checkpoint: CheckpointOptions = {},
  options: ModelFolderOptions = {},
): Promise<number> {
  const folder = await temporaryFolder();
  const { config, tensors } = await randomCheckpoint(folder, family, fields, checkpoint);
  const embedder = await loadModelFolder(folder, options);
  const vectors = await embedder.embed(SEQUENCES);
  await embedder.close();
  const errors = SEQUENCES.map((sequence, i) => {
    const states = REFERENCE[family](config, tensors, idsOf(family, sequence));
    const hiddenState = options.hiddenState ?? (family === 'amplify' ? 'before-norm' : 'after-norm');
    const want = meanOf(hiddenState === 'before-norm' ? states.beforeNorm : states.afterNorm, 1, sequence.length + 1);
    const { dimension } = embedder;
    return relativeError(vectors.subarray(i * dimension, (i + 1) * dimension), want);
  });
  return Math.max(...errors);
}

test.each<[string, Family, object]>([
  ['AMPLIFY', 'amplify', {}],
  ['AMPLIFY, other sizes', 'amplify', { hidden_size: 72, num_hidden_layers: 4, num_attention_heads: 6 }],
  ['AMPLIFY with biases', 'amplify', { att_bias: true, ffn_bias: true }],
  ['AMPLIFY with layer norm', 'amplify', { rms_norm: false, layer_norm_after_embedding: true }],
  ['AMPLIFY with GELU', 'amplify', { hidden_act: 'GELU', ffn_bias: true }],
  ['AMPLIFY with ReLU', 'amplify', { hidden_act: 'ReLU', norm_eps: 1e-3 }],
  ['AMPLIFY without a final norm', 'amplify', { layer_norm_before_last_layer: false }],
  ['ESM-2', 'esm2', {}],
  ['ESM-2, other sizes', 'esm2', { hidden_size: 64, num_attention_heads: 4, num_hidden_layers: 4 }],
  ['ESM-2 without token dropout', 'esm2', { token_dropout: false, layer_norm_eps: 1e-3 }],
  ['ESM-2 with a norm of the embeddings', 'esm2', { emb_layer_norm_before: true }],
])('%s', async (_name, family, fields) => {
  expect(await largestError(family, fields)).toBeLessThan(1e-5);
});

test.each<[Family, ModelFolderOptions]>([
  ['amplify', { hiddenState: 'after-norm' }],
  ['esm2', { hiddenState: 'before-norm' }],
  ['amplify', { batchTokens: 100 }],
  ['esm2', { batchTokens: 100 }],
])('%s with %o', async (family, options) => {
  expect(await largestError(family, {}, {}, options)).toBeLessThan(1e-5);
});

test.each<[Family, CheckpointOptions]>([
  ['amplify', { type: 'F16' }],
  ['amplify', { type: 'BF16', files: 3 }],
  ['amplify', { type: 'F64' }],
  ['esm2', { type: 'F16', files: 2 }],
  ['esm2', { type: 'BF16' }],
  // Data at an odd offset, because headers need not be padded.
  ['amplify', { padding: 1 }],
  ['esm2', { type: 'F16', padding: 2 }],
])('%s stored as %o', async (family, checkpoint) => {
  expect(await largestError(family, {}, checkpoint)).toBeLessThan(1e-5);
});

test.each([0, 200])('windows are averaged by residue (batches of %i tokens)', async (batchTokens) => {
  const folder = await temporaryFolder();
  const { config, tensors } = await randomCheckpoint(folder, 'amplify');
  const sequence = 'ACDEFGHIKLMNPQRSTVWYLLGGAAVVKK';
  const windows = [0, 10].map((start) => sequence.slice(start, start + 20));
  const [first, second] = windows.map(
    (window) => amplifyReference(config, tensors, idsOf('amplify', window)).beforeNorm,
  ) as [Float64Array[], Float64Array[]];
  const half = (a: Float64Array, b: Float64Array) => a.map((value, i) => (value + b[i]!) / 2);
  // Token 0 is <bos>: residues 10 to 19 of the sequence are tokens 11 to 20 of one and 1 to 10 of the other.
  const residues = [
    ...first.slice(1, 11),
    ...first.slice(11, 21).map((row, i) => half(row, second[1 + i]!)),
    ...second.slice(11, 21),
  ];
  const special = [half(first[0]!, second[0]!), half(first[21]!, second[21]!)];
  const want = {
    mean: meanOf(residues, 0, 30),
    'mean-special': meanOf([...residues, ...special], 0, 32),
    cls: special[0]!,
  };
  for (const pooling of POOLINGS) {
    const options = { pooling, batchTokens, maxResidues: 20, long: 'windows' } as const;
    const embedder = await loadModelFolder(folder, options);
    expect(relativeError(await embedder.embed([sequence]), want[pooling])).toBeLessThan(1e-5);
    await embedder.close();
  }
});

test.each<[Family, CheckpointOptions]>([
  ['amplify', {}],
  ['amplify', { type: 'BF16' }],
  ['amplify', { type: 'F64', files: 2 }],
  ['esm2', { type: 'F16' }],
])('%s stored as %o, in 8 bits, is close', async (family, checkpoint) => {
  const error = await largestError(family, { att_bias: true, ffn_bias: true }, checkpoint, { precision: 'int8' });
  // Rounding makes an error, but a small one.
  expect(error).toBeGreaterThan(1e-5);
  expect(error).toBeLessThan(INT8_BOUND);
});

test.each(['amplify', 'esm2'] as const)('%s in 8 bits is the same on every kind of processor', async (family) => {
  const folder = await temporaryFolder();
  const { config, tensors } = await randomCheckpoint(folder, family, { att_bias: true, ffn_bias: true });
  const embedder = await loadModelFolder(folder, { precision: 'int8' });
  const vectors = await embedder.embed(SEQUENCES);
  await embedder.close();
  for (const [i, sequence] of SEQUENCES.entries()) {
    const pooled = (product?: LinearProduct) => {
      const states = REFERENCE[family](config, tensors, idsOf(family, sequence), product);
      return meanOf(family === 'amplify' ? states.beforeNorm : states.afterNorm, 1, sequence.length + 1);
    };
    const [sums32, sumsOfPairs] = PROCESSORS.map((processor) => pooled(integerProduct(processor)));
    expect(sumsOfPairs).toEqual(sums32);
    expect(relativeError(sumsOfPairs!, pooled())).toBeLessThan(INT8_BOUND);
    const own = vectors.subarray(i * embedder.dimension, (i + 1) * embedder.dimension);
    // On any processor: activations halfway between two codes may be rounded to either.
    expect(relativeError(own, sumsOfPairs!)).toBeLessThan(0.02);
  }
});
