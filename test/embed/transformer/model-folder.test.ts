import { mkdir, open, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DataError, UsageError } from '../../../workers/src/base/errors.ts';
import { loadModelFolder, type ModelFolderOptions } from '../../../workers/src/embed/transformer/model-folder.ts';
import { modelIdentity } from '../../../workers/src/shard/shard.ts';
import {
  amplifyShapes,
  encodeSafetensors,
  type Family,
  randomCheckpoint,
  randomTensors,
  TOKENIZER,
  testConfig,
  writeCheckpoint,
} from '../../models/support/checkpoint.ts';
import { ROOT, temporaryFolder } from '../../support/run.ts';

async function embed(folder: string, sequences: string[], options: ModelFolderOptions = {}) {
  const embedder = await loadModelFolder(folder, options);
  const vectors = await embedder.embed(sequences);
  await embedder.close();
  return { vectors, ...embedder };
}

/** Id of `<pad>` in the vocabulary of checkpoints/esm1. */
const ESM1_PAD = 28;
const SEQUENCE = 'MKTAYIAKQRQISFVKSHFSRQ';

test('the order of sequences and their repetition change nothing', async () => {
  const folder = await temporaryFolder();
  await randomCheckpoint(folder, 'amplify');
  const { vectors, dimension } = await embed(folder, ['MKV', SEQUENCE, 'MKV', 'GG']);
  const row = (i: number) => [...vectors.subarray(i * dimension, (i + 1) * dimension)];
  expect(row(0)).toEqual(row(2));
  expect(row(1)).toEqual([...(await embed(folder, [SEQUENCE])).vectors]);
  expect(row(3)).toEqual([...(await embed(folder, ['GG'])).vectors]);
  expect((await embed(folder, [])).vectors).toHaveLength(0);
});

test('in 8 bits a vector does not depend on the batch, which would share a scale', async () => {
  const folder = await temporaryFolder();
  await randomCheckpoint(folder, 'amplify');
  const sequences = ['MKV', SEQUENCE, 'WWWWWWWWWWWW', 'GG'];
  const { vectors } = await embed(folder, sequences, { precision: 'int8', batchTokens: 500 });
  expect(vectors).toEqual((await embed(folder, sequences, { precision: 'int8' })).vectors);
});

test.each([
  ['esm.encoder.layer.1.attention.self.query.weight', Number.NaN],
  ['esm.encoder.layer.0.intermediate.dense.weight', Number.NEGATIVE_INFINITY],
  ['esm.encoder.layer.0.attention.LayerNorm.weight', Number.NaN],
  ['esm.encoder.layer.1.attention.self.key.bias', 3e38],
])('in 8 bits a damaged weight is refused, because rounding would hide the resulting NaN (%s, %d)', async (...args) => {
  const [name, value] = args;
  const folder = await temporaryFolder();
  const { config, tensors } = await randomCheckpoint(folder, 'esm2');
  const { shape, values } = tensors.get(name)!;
  values[3 * (shape[1] ?? 1)] = value;
  await writeCheckpoint(folder, 'esm2', config, tensors);
  const message = `row 3 of tensor "${name}" has a weight that is NaN or larger than 1000000000`;
  await expect(embed(folder, [SEQUENCE], { precision: 'int8' })).rejects.toThrow(message);
  // In float32 it shows in the vector.
  expect((await embed(folder, [SEQUENCE])).vectors.every(Number.isFinite)).toBe(false);
});

test('an empty sequence is refused', async () => {
  const folder = await temporaryFolder();
  await randomCheckpoint(folder, 'amplify');
  await expect(embed(folder, ['MKV', ''])).rejects.toThrow(DataError);
});

describe('conventions', () => {
  test('are recorded', async () => {
    const folder = await temporaryFolder();
    await randomCheckpoint(folder, 'esm2');
    const { attributes } = await embed(folder, [], { pooling: 'cls', long: 'windows', maxResidues: 40 });
    expect(attributes).toEqual({
      model: 'ESM-2-40x2 cls',
      model_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      architecture: 'ESM-2',
      pooling: 'cls',
      hidden_state: 'after-norm',
      truncation: 'windows',
      max_length: 40,
      unknown_letters: 'unk',
      trailing_stop: 'drop',
      precision: 'float32',
      window_overlap: 10,
    });
  });

  test('in 8 bits include the rounding rule, so that caches of another rule are not used', async () => {
    const folder = await temporaryFolder();
    await randomCheckpoint(folder, 'esm2');
    const { attributes } = await embed(folder, [], { precision: 'int8' });
    expect(attributes).toMatchObject({ precision: 'int8', weight_rounding: 'pairs-128' });
  });

  test('default to those of the model authors', async () => {
    const folder = await temporaryFolder();
    await randomCheckpoint(join(folder, 'a'), 'amplify');
    await randomCheckpoint(join(folder, 'e'), 'esm2');
    const { attributes: a } = await embed(join(folder, 'a'), []);
    const { attributes: e } = await embed(join(folder, 'e'), []);
    expect(a).toMatchObject({ pooling: 'mean', hidden_state: 'before-norm', truncation: 'truncate', max_length: 2000 });
    expect(e).toMatchObject({ pooling: 'mean', hidden_state: 'after-norm', truncation: 'truncate', max_length: 1022 });
  });

  test('a model with fewer positions than its family’s length limit keeps its own limit', async () => {
    const folder = await temporaryFolder();
    await randomCheckpoint(folder, 'amplify', { max_length: 50 });
    expect((await embed(folder, ['A'.repeat(60)])).attributes).toMatchObject({ max_length: 48 });
    await expect(embed(folder, [], { maxResidues: 49 })).rejects.toThrow(/at most 48 residues/);
    // 100 positions: up to that of padding, and of two special tokens, none is a residue's.
    const { attributes } = await embed(join(ROOT, 'test/models/checkpoints/esm1'), ['A'.repeat(200)]);
    expect(attributes).toMatchObject({ model: 'ESM-1-24x2', max_length: 100 - (ESM1_PAD + 1) - 2 });
  });

  test.each<Family>(['amplify', 'esm2'])('%s: 40,000 residues are truncated to the length limit', async (family) => {
    const folder = await temporaryFolder();
    await randomCheckpoint(folder, family);
    const long = SEQUENCE.repeat(1819).slice(0, 40_000);
    const { vectors, attributes } = await embed(folder, [long]);
    const cut = await embed(folder, [long.slice(0, attributes.max_length as number)]);
    expect([...vectors]).toEqual([...cut.vectors]);
  });

  test('windows cover 40,000 residues, and equal the whole sequence if one window does', async () => {
    const folder = await temporaryFolder();
    await randomCheckpoint(folder, 'amplify');
    const long = SEQUENCE.repeat(1819).slice(0, 40_000);
    const { vectors } = await embed(folder, [long], { long: 'windows', maxResidues: 500 });
    expect(vectors.every(Number.isFinite)).toBe(true);
    const short = await embed(folder, [SEQUENCE], { long: 'windows' });
    expect([...short.vectors]).toEqual([...(await embed(folder, [SEQUENCE])).vectors]);
  });

  test.each([0, -1, 1.5, Number.NaN])('--max-length %s is wrong usage', async (maxResidues) => {
    const folder = await temporaryFolder();
    await randomCheckpoint(folder, 'amplify');
    await expect(embed(folder, [], { maxResidues })).rejects.toThrow(UsageError);
  });

  test('8 bits on an accelerator are wrong usage', async () => {
    const folder = await temporaryFolder();
    await randomCheckpoint(folder, 'amplify');
    const options = { device: 'cuda', precision: 'int8' } as const;
    await expect(embed(folder, [], options)).rejects.toThrow(UsageError);
  });

  test('an unavailable device is wrong usage', async () => {
    const folder = await temporaryFolder();
    await randomCheckpoint(folder, 'amplify');
    await expect(embed(folder, [], { device: 'cuda' })).rejects.toThrow(/--device cuda: .*--device cpu works/);
  });
});

describe('identity', () => {
  test('depends on config, tokenizer and weights, and on nothing else', async () => {
    const folder = await temporaryFolder();
    const identity = async (name: string) => modelIdentity((await embed(join(folder, name), [])).attributes);
    await randomCheckpoint(join(folder, 'one'), 'esm2');
    await randomCheckpoint(join(folder, 'same'), 'esm2');
    await randomCheckpoint(join(folder, 'weights'), 'esm2', {}, { seed: 2 });
    await randomCheckpoint(join(folder, 'config'), 'esm2', { layer_norm_eps: 1e-6 });
    await randomCheckpoint(join(folder, 'tokens'), 'esm2');
    await writeFile(join(folder, 'tokens/vocab.txt'), TOKENIZER.esm2.text.replace('L\nA\n', 'A\nL\n'));
    const one = await identity('one');
    expect(await identity('same')).toBe(one);
    const others = await Promise.all(['weights', 'config', 'tokens'].map(identity));
    expect(new Set([one, ...others]).size).toBe(4);
  });

  test('vectors with another pooling belong to another model', async () => {
    const folder = await temporaryFolder();
    await randomCheckpoint(folder, 'amplify');
    const all = [{}, { pooling: 'cls' }, { pooling: 'mean-special' }, { hiddenState: 'after-norm' }] as const;
    const names = await Promise.all(all.map(async (options) => (await embed(folder, [], options)).attributes.model));
    expect(names).toEqual(['AMPLIFY-48x2', 'AMPLIFY-48x2 cls', 'AMPLIFY-48x2 mean-special', 'AMPLIFY-48x2 after-norm']);
    const same = [{ pooling: 'mean', hiddenState: 'before-norm' }, { maxResidues: 100 }] as const;
    for (const options of same) expect((await embed(folder, [], options)).attributes.model).toBe('AMPLIFY-48x2');
  });
});

describe('weights', () => {
  test('behind links that lead out of the folder, as in download caches', async () => {
    const folder = await temporaryFolder();
    const snapshot = join(folder, 'snapshots/abc');
    await randomCheckpoint(snapshot, 'amplify', {}, { files: 2 });
    const { vectors } = await embed(snapshot, [SEQUENCE]);
    await mkdir(join(folder, 'blobs'));
    for (const [i, name] of ['model-1-of-2.safetensors', 'model-2-of-2.safetensors', 'config.json'].entries()) {
      await rename(join(snapshot, name), join(folder, 'blobs', `blob${i}`));
      await symlink(`../../blobs/blob${i}`, join(snapshot, name));
    }
    expect([...(await embed(snapshot, [SEQUENCE])).vectors]).toEqual([...vectors]);
  });

  test.each<[Family, string, string]>([
    ['esm2', 'esm.', ''],
    ['esm2', 'esm.', 'model.'],
    ['amplify', '', 'model.'],
  ])('%s: whatever stands before the names of the encoder: "%s" or "%s"', async (family, saved, prefix) => {
    const folder = await temporaryFolder();
    const { config, tensors } = await randomCheckpoint(folder, family);
    const { vectors } = await embed(folder, [SEQUENCE]);
    const renamed = new Map([...tensors].map(([name, tensor]) => [prefix + name.slice(saved.length), tensor]));
    await writeCheckpoint(folder, family, config, renamed);
    expect([...(await embed(folder, [SEQUENCE])).vectors]).toEqual([...vectors]);
    // Missing tensors of the encoder are still reported, and so are additional ones.
    await writeCheckpoint(folder, family, { ...config, num_hidden_layers: 1 }, renamed);
    await expect(embed(folder, [])).rejects.toThrow(/has no place in the model/);
    await writeCheckpoint(folder, family, { ...config, num_hidden_layers: 3 }, renamed);
    await expect(embed(folder, [])).rejects.toThrow(new RegExp(`no tensor "${prefix}[a-z_]*encoder`));
  });

  test('of a model whose config.json omits fields with defaults', async () => {
    const folder = await temporaryFolder();
    await randomCheckpoint(folder, 'amplify');
    const { vectors } = await embed(folder, [SEQUENCE]);
    const needed = ['model_type', 'hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size'];
    const config = Object.entries(testConfig('amplify')).filter(([name]) => [...needed, 'vocab_size'].includes(name));
    await writeFile(join(folder, 'config.json'), JSON.stringify(Object.fromEntries(config)));
    const short = await embed(folder, [SEQUENCE]);
    expect([...short.vectors]).toEqual([...vectors]);
    expect(short.attributes).toMatchObject({ max_length: 2000 });
  });

  test('beyond 2 GB of one file', async () => {
    const folder = await temporaryFolder();
    const { tensors } = await randomCheckpoint(folder, 'amplify');
    const { vectors } = await embed(folder, [SEQUENCE]);
    await moveTensorsBehind(join(folder, 'model.safetensors'), encodeSafetensors(tensors), 2 ** 31 + 4096);
    expect([...(await embed(folder, [SEQUENCE])).vectors]).toEqual([...vectors]);
  });
});

/** Writes a safetensors file again with a tensor of zeros of that size before all others; a hole, not disk space. */
async function moveTensorsBehind(path: string, file: Uint8Array, zeroBytes: number): Promise<void> {
  const headerBytes = Number(Buffer.from(file).readBigUInt64LE());
  const header = JSON.parse(Buffer.from(file.subarray(8, 8 + headerBytes)).toString()) as Record<
    string,
    { data_offsets?: number[] }
  >;
  for (const { data_offsets: offsets } of Object.values(header))
    if (offsets) for (const i of [0, 1]) offsets[i]! += zeroBytes;
  const zeros = { dtype: 'U8', shape: [zeroBytes], data_offsets: [0, zeroBytes] };
  let json = JSON.stringify({ zeros, ...header });
  json += ' '.repeat((8 - (json.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const handle = await open(path, 'w');
  await handle.write(Buffer.concat([length, Buffer.from(json)]), 0, undefined, 0);
  await handle.write(file, 8 + headerBytes, undefined, 8 + json.length + zeroBytes);
  await handle.close();
}

describe('bad input', () => {
  async function checkpoint(family: Family = 'amplify', fields: object = {}): Promise<string> {
    const folder = join(await temporaryFolder(), 'model');
    await randomCheckpoint(folder, family, fields);
    return folder;
  }

  async function message(folder: string): Promise<string> {
    const error = await loadModelFolder(folder).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(DataError);
    return (error as Error).message;
  }

  test('no such folder', async () => {
    expect(await message('/no/such/model')).toBe('/no/such/model: no such model folder.');
  });

  test('a path that is not a folder', async () => {
    const folder = await checkpoint();
    const text = await message(join(folder, 'config.json'));
    expect(text).toContain('config.json: not a folder');
  });

  test('no config.json', async () => {
    const folder = await checkpoint();
    await rm(join(folder, 'config.json'));
    expect(await message(folder)).toContain(`${folder}: no config.json`);
  });

  test('a config.json that is not JSON', async () => {
    const folder = await checkpoint();
    await writeFile(join(folder, 'config.json'), '{"model_type": ');
    expect(await message(folder)).toContain('config.json: not valid JSON');
  });

  test.each([{ model_type: 'bert' }, { model_type: null }])('architecture %o', async (fields) => {
    const folder = await checkpoint('amplify', fields);
    expect(await message(folder)).toMatch(/"model_type" .*known architectures: AMPLIFY \("AMPLIFY"\), ESM-2 \("esm"\)/);
  });

  test.each(['hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size', 'vocab_size'])(
    'no %s',
    async (field) => {
      for (const family of ['amplify', 'esm2'] as const) {
        const folder = join(await temporaryFolder(), 'model');
        await writeCheckpoint(folder, family, testConfig(family, { [field]: undefined }), new Map());
        expect(await message(folder)).toContain(`config.json: "${field}" is missing`);
      }
    },
  );

  test.each<[Family, object, RegExp]>([
    ['amplify', { hidden_size: '48' }, /"hidden_size" is "48"; it must be a whole number/],
    ['amplify', { num_attention_heads: 5 }, /"num_attention_heads" is 5/],
    ['amplify', { hidden_act: 'SiLU' }, /"hidden_act" is "SiLU"; it must be SwiGLU, GELU or ReLU/],
    ['amplify', { rms_norm: 1 }, /"rms_norm" is 1; it must be true or false/],
    ['esm2', { position_embedding_type: 'relative_key' }, /"position_embedding_type" is "relative_key"/],
    ['esm2', { num_attention_heads: 8 }, /"num_attention_heads" is 8; it must be a divisor of 40 into even parts/],
    ['esm2', { is_decoder: true }, /"is_decoder" is true/],
    ['esm2', { hidden_act: 'relu' }, /"hidden_act" is "relu"/],
  ])('%s with %o', async (family, fields, expected) => {
    const folder = join(await temporaryFolder(), 'model');
    const tensors = randomTensors(family === 'amplify' ? amplifyShapes(testConfig(family)) : {}, 1, 'F32');
    await writeCheckpoint(folder, family, testConfig(family, fields), tensors);
    expect(await message(folder)).toMatch(expected);
  });

  test('a tensor missing', async () => {
    const folder = await checkpoint();
    const shapes = amplifyShapes(testConfig('amplify'));
    delete shapes['transformer_encoder.1.ffn.w12.weight'];
    await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(randomTensors(shapes, 1, 'F32')));
    expect(await message(folder)).toContain('no tensor "transformer_encoder.1.ffn.w12.weight" [144, 48]');
  });

  test('a tensor of the wrong shape', async () => {
    const folder = await checkpoint();
    const shapes = { ...amplifyShapes(testConfig('amplify')), 'transformer_encoder.0.k.weight': [48, 40] };
    await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(randomTensors(shapes, 1, 'F32')));
    expect(await message(folder)).toContain(
      'tensor "transformer_encoder.0.k.weight" is [48, 40], but config.json requires [48, 48]',
    );
  });

  test.each<[Family, object, string]>([
    ['amplify', { num_hidden_layers: 1 }, 'transformer_encoder.1.'],
    ['esm2', { num_hidden_layers: 1 }, 'esm.encoder.layer.1.'],
  ])('%s: weights of more layers than config.json says', async (family, fields, name) => {
    const folder = await checkpoint(family);
    await writeFile(join(folder, 'config.json'), JSON.stringify(testConfig(family, fields)));
    expect(await message(folder)).toMatch(new RegExp(`tensor "${name}[^"]*" has no place in the model`));
  });

  test('no weights', async () => {
    const folder = await checkpoint();
    await rm(join(folder, 'model.safetensors'));
    expect(await message(folder)).toContain('no weights: the folder has neither model.safetensors nor');
  });

  test('truncated weights', async () => {
    const folder = await checkpoint();
    const path = join(folder, 'model.safetensors');
    const { length } = await readFile(path);
    await truncate(path, length - 1);
    expect(await message(folder)).toContain(`truncated: it has ${length - 1} of ${length} bytes`);
  });

  test('a header that claims 2^63 bytes', async () => {
    const folder = await checkpoint();
    const file = await open(join(folder, 'model.safetensors'), 'r+');
    await file.write(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x80), 0, 8, 0);
    await file.close();
    expect(await message(folder)).toContain('its header claims 9223372036854775808 bytes');
  });

  test.each<[Family, string, RegExp]>([
    ['amplify', TOKENIZER.amplify.text.replace('"B":26', '"B":26,"Z":27'), /28 tokens, .* "vocab_size": 27/],
    ['amplify', TOKENIZER.amplify.text.replace('"B":26', '"B":27'), /token "B" has id 27, outside 0 to 26/],
    ['amplify', TOKENIZER.amplify.text.replaceAll('<eos>', '<end>'), /no token|gives <eos>/],
    ['amplify', '{"model":{}}', /"model\.vocab" is missing/],
    ['amplify', '{', /not valid JSON/],
    ['esm2', TOKENIZER.esm2.text.replace('Z\n', ''), /32 tokens, .* "vocab_size": 33/],
    ['esm2', TOKENIZER.esm2.text.replace('Z\n', 'A\n'), /a token occurs twice/],
    ['esm2', TOKENIZER.esm2.text.replace('<cls>\n<pad>', '<pad>\n<cls>'), /<pad> the id 0, .* "pad_token_id": 1/],
  ])('%s: a tokenizer that disagrees with config.json', async (family, text, expected) => {
    const folder = await checkpoint(family);
    await writeFile(join(folder, TOKENIZER[family].file), text);
    expect(await message(folder)).toMatch(expected);
  });

  test('no tokenizer', async () => {
    const folder = await checkpoint('esm2');
    await rm(join(folder, 'vocab.txt'));
    expect(await message(folder)).toContain('no vocab.txt');
  });
});
