import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../../workers/src/base/errors.ts';
import { loadModelFolder, type ModelFolderOptions } from '../../../../workers/src/embed/transformer/model-folder.ts';
import { copyCheckpoint, embedWith } from '../../../models/support/published.ts';
import { relativeError } from '../../../models/support/reference.ts';

const SEQUENCE = 'MKTAYIAKQRQISFVKSHFSRQ';

/** Copies a checkpoint and changes fields of one of its JSON files. */
async function changed(name: string, file: string, fields: object): Promise<string> {
  const folder = await copyCheckpoint(name);
  const path = join(folder, file);
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...fields }));
  return folder;
}

describe('letters', () => {
  test.each(['prott5', 'prostt5'])('%s reads rare letters as X', async (name) => {
    const { vectors } = await embedWith(await copyCheckpoint(name), ['MUZOBK', 'MXXXXK']);
    expect([...vectors.subarray(0, 24)]).toEqual([...vectors.subarray(24)]);
    const embedder = await loadModelFolder(await copyCheckpoint(name), { unknownLetters: 'refuse' });
    expect(embedder.findRefused!('MUZOBX')).toBe(-1);
    expect(embedder.findRefused!('MKJ')).toBe(2);
    await embedder.close();
  });

  test('ankh has tokens for rare letters', async () => {
    const { vectors } = await embedWith(await copyCheckpoint('ankh'), ['MUK', 'MXK']);
    expect(relativeError(vectors.subarray(0, 24), vectors.subarray(24))).toBeGreaterThan(0.01);
  });
});

describe('tokenizer files', () => {
  test('tokenizer.json defines the same tokens as spiece.model', async () => {
    const folder = await copyCheckpoint('prott5');
    const { vectors } = await embedWith(folder, [SEQUENCE]);
    const letters = [...'ALGVSREDTIPKFQNYMHWCXBOUZ'].map((letter, i) => [`▁${letter}`, -2 - i]);
    const sentinels = Array.from({ length: 100 }, (_, i) => [`<extra_id_${99 - i}>`, 0]);
    const vocab = [['<pad>', 0], ['</s>', 0], ['<unk>', 0], ...letters, ...sentinels];
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify({ model: { type: 'Unigram', vocab } }));
    expect([...(await embedWith(folder, [SEQUENCE])).vectors]).toEqual([...vectors]);
    await rm(join(folder, 'spiece.model'));
    expect([...(await embedWith(folder, [SEQUENCE])).vectors]).toEqual([...vectors]);
  });

  test('the tokens of ProstT5 may be in tokenizer_config.json; its identity does not change', async () => {
    const folder = await copyCheckpoint('prostt5');
    const before = await embedWith(folder, [SEQUENCE]);
    const path = join(folder, 'added_tokens.json');
    const added = Object.entries(JSON.parse(await readFile(path, 'utf8')) as Record<string, number>);
    const decoder = Object.fromEntries(added.map(([content, id]) => [id, { content }]));
    await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify({ added_tokens_decoder: decoder }));
    await rm(path);
    const after = await embedWith(folder, [SEQUENCE]);
    expect([...after.vectors]).toEqual([...before.vectors]);
    expect(after.attributes).toEqual(before.attributes);
  });

  test('without the added tokens, ProstT5 is refused instead of embedding without its prefix', async () => {
    const folder = await copyCheckpoint('prostt5');
    await rm(join(folder, 'added_tokens.json'));
    await expect(loadModelFolder(folder)).rejects.toThrow(
      /spiece\.model, added_tokens\.json and tokenizer_config\.json in its folder have 128 tokens, but .* "vocab_size": 150\. Download all files/,
    );
  });

  test('without any, the message names both', async () => {
    const folder = await copyCheckpoint('prott5');
    await rm(join(folder, 'spiece.model'));
    await expect(loadModelFolder(folder)).rejects.toThrow(/no tokenizer\.json or spiece\.model\./);
  });

  test('Ankh 3, which needs a prefix, is refused', async () => {
    const folder = await changed('prostt5', 'added_tokens.json', { '[NLU]': 129 });
    await expect(loadModelFolder(folder)).rejects.toThrow(/\[NLU\] of Ankh 3, which is not supported/);
  });
});

describe('config.json', () => {
  test.each<[object, RegExp]>([
    [{ feed_forward_proj: 'gated-tanh' }, /"feed_forward_proj" is "gated-tanh"; it must be "relu"/],
    [{ feed_forward_proj: 'toString' }, /"feed_forward_proj" is "toString"/],
    [{ feed_forward_proj: 'gated-relu' }, /no tensor "encoder\.block\.0\.layer\.1\.DenseReluDense\.wi_0\.weight"/],
    [{ d_kv: 8 }, /SelfAttention\.q\.weight" is \[18, 24\], but config\.json requires \[24, 24\]/],
    [{ d_kv: null }, /"d_kv" is missing; it must be a whole number above 0/],
    [{ num_layers: 1 }, /tensor "encoder\.block\.1\.[^"]*" has no place in the model/],
    [{ num_layers: 3 }, /no tensor "encoder\.block\.2\./],
    [{ relative_attention_num_buckets: 2 }, /"relative_attention_num_buckets" is 2; it must be a whole number from 4/],
    [{ relative_attention_num_buckets: 30 }, /relative_attention_bias\.weight" is \[32, 3\]/],
    [{ relative_attention_max_distance: 8 }, /"relative_attention_max_distance" is 8; it must be .* above 8/],
    [{ layer_norm_epsilon: 1e-60 }, /"layer_norm_epsilon" is 1e-60; it must be a number above 0 that float32/],
    [{ vocab_size: 140 }, /have 128 tokens, but .* "vocab_size": 140/],
    [{ eos_token_id: 2 }, /gives <\/s> the id 1, but .* says "eos_token_id": 2/],
  ])('%j is refused', async (fields, message) => {
    await expect(loadModelFolder(await changed('prott5', 'config.json', fields))).rejects.toThrow(message);
  });
});

test('a name for the shared table is enough, as one of two that the reference writes', async () => {
  // The full checkpoint of ProstT5 has both names, and a decoder; Ankh's, saved by the reference, has one.
  const both = await readFile(join(await copyCheckpoint('prostt5'), 'model.safetensors'), 'latin1');
  for (const name of ['shared.weight', 'encoder.embed_tokens.weight', 'decoder.block.0', 'lm_head.weight'])
    expect(both).toContain(name);
  const folder = await copyCheckpoint('ankh');
  const path = join(folder, 'model.safetensors.index.json');
  const index = await readFile(path, 'utf8');
  expect(index.includes('shared.weight')).not.toBe(index.includes('encoder.embed_tokens.weight'));
});

test('`cls` needs a token before the residues', async () => {
  const options: ModelFolderOptions = { pooling: 'cls' };
  await expect(loadModelFolder(await copyCheckpoint('prott5'), options)).rejects.toThrow(UsageError);
  await expect(loadModelFolder(await copyCheckpoint('prott5'), options)).rejects.toThrow(
    /--pooling cls: this T5 has no token before the residues\. Use --pooling mean\./,
  );
  const { attributes } = await embedWith(await copyCheckpoint('prostt5'), [], options);
  expect(attributes).toMatchObject({ model: 'T5-24x2 cls', architecture: 'T5', max_length: 4000 });
});

test('weights of PyTorch only: the message names the file and the page that converts it', async () => {
  const folder = await copyCheckpoint('prostt5');
  await rename(join(folder, 'model.safetensors'), join(folder, 'pytorch_model.bin'));
  await writeFile(join(folder, 'optimizer.pt'), '');
  await expect(loadModelFolder(folder)).rejects.toThrow(
    /no weights: .* It has "pytorch_model\.bin", in the format of PyTorch: save it as model\.safetensors first, as docs\/models\.md shows/,
  );
});

test.each(['prott5', 'prostt5', 'ankh'])('%s in 8 bits is close to float32', async (name) => {
  const folder = await copyCheckpoint(name);
  const exact = await embedWith(folder, [SEQUENCE]);
  const rounded = await embedWith(folder, [SEQUENCE], { precision: 'int8' });
  const error = relativeError(rounded.vectors, exact.vectors);
  expect(error).toBeGreaterThan(1e-5);
  expect(error).toBeLessThan(0.1);
});

test('a sequence of 3,000 residues has the vector of its padded batch', async () => {
  const folder = await copyCheckpoint('prott5');
  const sequences = [SEQUENCE.repeat(137).slice(0, 3000), SEQUENCE];
  const alone = await embedWith(folder, sequences);
  const batch = await embedWith(folder, sequences, { batchTokens: 7000 });
  expect(alone.vectors.every(Number.isFinite)).toBe(true);
  expect(relativeError(batch.vectors, alone.vectors)).toBeLessThan(1e-5);
});
