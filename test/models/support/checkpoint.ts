import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom } from '../../../workers/src/base/random.ts';

/** Tensors of a test checkpoint, by name. */
export type Tensors = Map<string, { shape: number[]; values: Float64Array }>;
export type WeightType = 'F32' | 'F16' | 'BF16' | 'F64';

export type Family = 'amplify' | 'esm2';

const AMPLIFY_TOKENS = ['<pad>', '<unk>', '<mask>', '<bos>', '<eos>', '|', ...'LAGVSERTIDPKQNFYMHWCB'];
const ESM2_TOKENS = ['<cls>', '<pad>', '<eos>', '<unk>', ...'LAGVSERTIDPKQNFYMHWCXBUZO.-', '<null_1>', '<mask>'];

/** Each family's tokenizer file. */
export const TOKENIZER: Record<Family, { file: string; text: string; tokens: readonly string[] }> = {
  amplify: {
    file: 'tokenizer.json',
    tokens: AMPLIFY_TOKENS,
    text: JSON.stringify({
      version: '1.0',
      added_tokens: AMPLIFY_TOKENS.slice(0, 5).map((content, id) => ({ id, content, special: true })),
      post_processor: {
        type: 'TemplateProcessing',
        single: [
          { SpecialToken: { id: '<bos>', type_id: 0 } },
          { Sequence: { id: 'A', type_id: 0 } },
          { SpecialToken: { id: '<eos>', type_id: 0 } },
        ],
      },
      model: {
        type: 'WordPiece',
        unk_token: '<unk>',
        vocab: Object.fromEntries(AMPLIFY_TOKENS.map((token, id) => [token, id])),
      },
    }),
  },
  esm2: { file: 'vocab.txt', tokens: ESM2_TOKENS, text: `${ESM2_TOKENS.join('\n')}\n` },
};

const CONFIGS: Record<Family, object> = {
  amplify: {
    model_type: 'AMPLIFY',
    hidden_size: 48,
    num_hidden_layers: 2,
    num_attention_heads: 3,
    intermediate_size: 100,
    rms_norm: true,
    norm_eps: 1e-5,
    hidden_act: 'SwiGLU',
    layer_norm_after_embedding: false,
    layer_norm_before_last_layer: true,
    vocab_size: 27,
    ffn_bias: false,
    att_bias: false,
    pad_token_id: 0,
    unk_token_id: 1,
    mask_token_id: 2,
    bos_token_id: 3,
    eos_token_id: 4,
    max_length: 2048,
  },
  esm2: {
    model_type: 'esm',
    hidden_size: 40,
    num_hidden_layers: 2,
    num_attention_heads: 5,
    intermediate_size: 90,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-5,
    emb_layer_norm_before: false,
    token_dropout: true,
    position_embedding_type: 'rotary',
    max_position_embeddings: 1026,
    pad_token_id: 1,
    mask_token_id: 32,
    vocab_size: 33,
  },
};

/** Returns the config.json of a small model, with fields replaced. */
export function testConfig(family: Family, fields: object = {}): TestConfig {
  return { ...CONFIGS[family], ...fields } as TestConfig;
}

/** Returns token ids as the family's own tokenizer does. */
export function idsOf(family: Family, sequence: string): number[] {
  const { tokens } = TOKENIZER[family];
  const id = (token: string) => (tokens.includes(token) ? tokens.indexOf(token) : tokens.indexOf('<unk>'));
  return [id(family === 'amplify' ? '<bos>' : '<cls>'), ...[...sequence].map(id), id('<eos>')];
}

/** Returns reproducible, normally distributed random numbers (mulberry32). */
export function randomNormal(seed: number): () => number {
  const uniform = seededRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Returns random weights of the given shapes: matrices scaled to preserve the signal's size, norms around 1. */
export function randomTensors(shapes: Record<string, number[]>, seed: number, type: WeightType): Tensors {
  const normal = randomNormal(seed);
  const tensors: Tensors = new Map();
  for (const [name, shape] of Object.entries(shapes)) {
    const count = shape.reduce((product, size) => product * size, 1);
    const draw =
      shape.length > 1
        ? () => (1.5 * normal()) / Math.sqrt(shape[1]!)
        : name.endsWith('weight')
          ? () => 1 + 0.2 * normal()
          : () => 0.2 * normal();
    tensors.set(name, { shape, values: Float64Array.from({ length: count }, () => rounded(draw(), type)) });
  }
  return tensors;
}

/** Rounds a value as it is stored, so that a reference computes with the same weights. */
function rounded(value: number, type: WeightType): number {
  if (type === 'F64' || type === 'F32') return Math.fround(value);
  return type === 'F16' ? Math.f16round(value) : bfloat16(value);
}

function bfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0]! &= 0xffff0000;
  return new Float32Array(bits.buffer)[0]!;
}

function encode(values: Float64Array, type: WeightType): Uint8Array {
  if (type === 'F64') return new Uint8Array(values.buffer);
  if (type === 'F32') return new Uint8Array(Float32Array.from(values).buffer);
  if (type === 'F16') return new Uint8Array(Float16Array.from(values).buffer);
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  return new Uint8Array(Uint16Array.from(bits, (word) => word >>> 16).buffer);
}

/** Encodes a safetensors file. @param padding bytes of blanks after the header's JSON */
export function encodeSafetensors(tensors: Tensors, type: WeightType = 'F32', padding?: number): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { shape, values }] of tensors) {
    const part = encode(values, type);
    header[name] = { dtype: type, shape, data_offsets: [at, at + part.length] };
    at += part.length;
    parts.push(part);
  }
  let json = JSON.stringify(header);
  json += ' '.repeat(padding ?? (8 - (json.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, Buffer.from(json), ...parts]);
}

export interface CheckpointOptions {
  type?: WeightType;
  /** Number of files of weights. */
  files?: number;
  padding?: number;
}

/** Writes a model folder: config.json, tokenizer, weights. */
export async function writeCheckpoint(
  folder: string,
  family: Family,
  config: object,
  tensors: Tensors,
  { type = 'F32', files = 1, padding }: CheckpointOptions = {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, TOKENIZER[family].file), TOKENIZER[family].text);
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  if (files === 1) {
    await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(tensors, type, padding));
    return;
  }
  const weightMap: Record<string, string> = {};
  for (let file = 0; file < files; file++) {
    const name = `model-${file + 1}-of-${files}.safetensors`;
    const part: Tensors = new Map([...tensors].filter((_, i) => i % files === file));
    for (const tensor of part.keys()) weightMap[tensor] = name;
    await writeFile(join(folder, name), encodeSafetensors(part, type, padding));
  }
  const index = { metadata: { total_size: 0 }, weight_map: weightMap };
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
}

/** The fields that the reference implementations read. */
export interface TestConfig {
  hidden_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  intermediate_size: number;
  vocab_size: number;
  hidden_act: string;
  rms_norm: boolean;
  norm_eps: number;
  layer_norm_eps: number;
  layer_norm_after_embedding: boolean;
  layer_norm_before_last_layer: boolean;
  ffn_bias: boolean;
  att_bias: boolean;
  token_dropout: boolean;
  emb_layer_norm_before: boolean;
}

/** Returns the shapes of an AMPLIFY checkpoint's tensors. */
export function amplifyShapes(c: TestConfig): Record<string, number[]> {
  const size = c.hidden_size;
  const shapes: Record<string, number[]> = { 'encoder.weight': [c.vocab_size, size] };
  const linear = (name: string, inputs: number, outputs: number, bias: boolean) => {
    shapes[`${name}.weight`] = [outputs, inputs];
    if (bias) shapes[`${name}.bias`] = [outputs];
  };
  const norm = (name: string) => {
    shapes[`${name}.weight`] = [size];
    if (!c.rms_norm) shapes[`${name}.bias`] = [size];
  };
  if (c.layer_norm_after_embedding) norm('layer_norm_1');
  for (let i = 0; i < c.num_hidden_layers; i++) {
    const block = `transformer_encoder.${i}`;
    for (const name of ['q', 'k', 'v', 'wo']) linear(`${block}.${name}`, size, size, c.att_bias);
    norm(`${block}.attention_norm`);
    norm(`${block}.ffn_norm`);
    if (c.hidden_act === 'SwiGLU') {
      const inner = Math.floor((Math.floor((2 * c.intermediate_size) / 3) + 7) / 8) * 8;
      linear(`${block}.ffn.w12`, size, 2 * inner, c.ffn_bias);
      linear(`${block}.ffn.w3`, inner, size, c.ffn_bias);
    } else {
      linear(`${block}.ffn.0`, size, c.intermediate_size, c.ffn_bias);
      linear(`${block}.ffn.2`, c.intermediate_size, size, c.ffn_bias);
    }
  }
  if (c.layer_norm_before_last_layer) norm('layer_norm_2');
  linear('decoder', size, c.vocab_size, true);
  return shapes;
}

/** Returns the shapes of an ESM-2 checkpoint's tensors. */
export function esm2Shapes(c: TestConfig): Record<string, number[]> {
  const size = c.hidden_size;
  const shapes: Record<string, number[]> = { 'esm.embeddings.word_embeddings.weight': [c.vocab_size, size] };
  const pair = (name: string, shape: number[]) => {
    shapes[`${name}.weight`] = shape;
    shapes[`${name}.bias`] = [shape[0]!];
  };
  if (c.emb_layer_norm_before) pair('esm.embeddings.layer_norm', [size]);
  for (let i = 0; i < c.num_hidden_layers; i++) {
    const layer = `esm.encoder.layer.${i}`;
    for (const name of ['self.query', 'self.key', 'self.value', 'output.dense'])
      pair(`${layer}.attention.${name}`, [size, size]);
    pair(`${layer}.attention.LayerNorm`, [size]);
    pair(`${layer}.LayerNorm`, [size]);
    pair(`${layer}.intermediate.dense`, [c.intermediate_size, size]);
    pair(`${layer}.output.dense`, [size, c.intermediate_size]);
    shapes[`${layer}.attention.self.rotary_embeddings.inv_freq`] = [size / c.num_attention_heads / 2];
  }
  pair('esm.encoder.emb_layer_norm_after', [size]);
  return shapes;
}

/** Writes a model folder with random weights. @returns it, and the weights for the reference implementation */
export async function randomCheckpoint(
  folder: string,
  family: Family,
  fields: object = {},
  options: CheckpointOptions & { seed?: number } = {},
): Promise<{ config: TestConfig; tensors: Tensors }> {
  const config = testConfig(family, fields);
  const shapes = family === 'amplify' ? amplifyShapes(config) : esm2Shapes(config);
  const tensors = randomTensors(shapes, options.seed ?? 1, options.type ?? 'F32');
  await writeCheckpoint(folder, family, config, tensors, options);
  return { config, tensors };
}
