import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadModelFolder } from '../../../../workers/src/embed/transformer/model-folder.ts';
import { copyCheckpoint, embedWith } from '../../../models/support/published.ts';
import { relativeError } from '../../../models/support/reference.ts';

const SEQUENCE = 'MKTAYIAKQRQISFVKSHFSRQ';

test('without tokenizer.json the tokens are those of the family', async () => {
  const folder = await copyCheckpoint('esmc');
  const { vectors, attributes } = await embedWith(folder, [SEQUENCE, 'BZUOX-.|*']);
  await rm(join(folder, 'tokenizer.json'));
  const bare = await embedWith(folder, [SEQUENCE, 'BZUOX-.|*']);
  expect([...bare.vectors]).toEqual([...vectors]);
  expect(attributes).toMatchObject({ model: 'ESM-C-24x2', hidden_state: 'after-norm', max_length: 2046 });
});

describe('config.json', () => {
  test.each<[string, object, RegExp]>([
    ['esmc', { hidden_act: 'gelu' }, /"hidden_act" is "gelu"; it must be "silu"/],
    ['esmc', { num_key_value_heads: 1 }, /"num_key_value_heads" is 1; it must be 3/],
    ['esmc', { head_dim: 4 }, /"head_dim" is 4; it must be 8/],
    ['esmc', { num_attention_heads: 8 }, /"num_attention_heads" is 8; it must be a divisor of 24 into even parts/],
    ['esmc', { rope_parameters: 5 }, /"rope_parameters" is 5; it must be an object/],
    [
      'esmc',
      { rope_parameters: { rope_type: 'yarn' } },
      /"rope_parameters\.rope_type" is "yarn"; it must be "default"/,
    ],
    ['esmc', { rope_parameters: { rope_theta: 1e-50 } }, /"rope_parameters\.rope_theta" is 1e-50; .* float32/],
    [
      'esmc',
      { intermediate_size: 200 },
      /mlp\.gate_proj\.weight" is \[256, 24\], but config\.json requires \[200, 24\]/,
    ],
    ['esmc', { num_hidden_layers: 1 }, /tensor "esmc\.layers\.1\.[^"]*" has no place in the model/],
    ['esmc', { attention_bias: true }, /no tensor "esmc\.layers\.0\.self_attn\.q_proj\.bias" \[24\]/],
    ['esmc', { vocab_size: 30 }, /has 33 tokens, but .* "vocab_size": 30/],
    ['esmc', { mask_token_id: 31 }, /gives <mask> the id 32, but .* "mask_token_id": 31/],
    ['esmc-original', { num_hidden_layers: 1 }, /tensor "transformer\.blocks\.1\.[^"]*" has no place in the model/],
    ['esmc-original', { num_hidden_layers: 3 }, /no tensor "transformer\.blocks\.2\.attn\.layernorm_qkv\.0\.weight"/],
    ['esmc-original', { hidden_size: 48 }, /"embed\.weight" is \[64, 24\], but config\.json requires \[64, 48\]/],
  ])('%s with %j is refused', async (name, fields, message) => {
    const folder = await copyCheckpoint(name);
    const path = join(folder, 'config.json');
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...fields }));
    await expect(loadModelFolder(folder)).rejects.toThrow(message);
  });
});

test.each(['esmc', 'esmc-original'])('%s in 8 bits is close to float32', async (name) => {
  const folder = await copyCheckpoint(name);
  const exact = await embedWith(folder, [SEQUENCE]);
  const rounded = await embedWith(folder, [SEQUENCE], { precision: 'int8' });
  const error = relativeError(rounded.vectors, exact.vectors);
  expect(error).toBeGreaterThan(1e-5);
  expect(error).toBeLessThan(0.1);
});
