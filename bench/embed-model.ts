import { mkdir, open, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** AMPLIFY_350M. */
export const MODEL_SIZES = {
  hiddenSize: 960,
  layers: 32,
  heads: 15,
  intermediateSize: 3840,
  /** Size of the gated feed-forward network: 2/3 of the intermediate size. */
  inner: 2560,
} as const;

const ARRAY_OF = { F32: Float32Array, F16: Float16Array };
type WeightType = keyof typeof ARRAY_OF;

const LETTERS = 'LAGVSERTIDPKQNFYMHWC';
const TOKENS = ['<pad>', '<unk>', '<mask>', '<bos>', '<eos>', '|', ...LETTERS, 'B'];

/** Returns the multiplications and additions of the model for a sequence of `tokens` tokens. */
export function modelFlops(layers: number, tokens: number): number {
  const { hiddenSize, inner } = MODEL_SIZES;
  const weights = 4 * hiddenSize * hiddenSize + 3 * hiddenSize * inner;
  return layers * (2 * tokens * weights + 4 * tokens * tokens * hiddenSize);
}

/** Reproducible random numbers in [0, 1) (xorshift). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

/** Random proteins with lengths as in UniRef50: log-normal, median 250, 30 to 1500. */
export function makeSequences(count: number): string[] {
  const next = random(7);
  return Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    const length = Math.round(Math.min(1500, Math.max(30, 250 * Math.exp(0.65 * normal))));
    return Array.from({ length }, () => LETTERS[Math.floor(next() * LETTERS.length)]).join('');
  });
}

/** Writes a checkpoint of AMPLIFY's architecture with random weights, unless it exists. */
export async function makeModel(folder: string, layers: number, type: WeightType): Promise<string> {
  const model = join(folder, `amplify-${MODEL_SIZES.hiddenSize}x${layers}-${type}`);
  if (await stat(join(model, 'config.json')).catch(() => undefined)) return model;
  await mkdir(model, { recursive: true });
  await writeWeights(join(model, 'model.safetensors'), shapesOf(layers), type);
  await writeFile(join(model, 'tokenizer.json'), JSON.stringify(tokenizer()));
  await writeFile(join(model, 'config.json'), JSON.stringify(configOf(layers)));
  return model;
}

function shapesOf(layers: number): Map<string, number[]> {
  const { hiddenSize: size, inner } = MODEL_SIZES;
  const shapes = new Map([['encoder.weight', [TOKENS.length, size]]]);
  for (let i = 0; i < layers; i++) {
    const block = `transformer_encoder.${i}`;
    for (const name of ['q', 'k', 'v', 'wo']) shapes.set(`${block}.${name}.weight`, [size, size]);
    shapes.set(`${block}.ffn.w12.weight`, [2 * inner, size]);
    shapes.set(`${block}.ffn.w3.weight`, [size, inner]);
    for (const name of ['attention_norm', 'ffn_norm']) shapes.set(`${block}.${name}.weight`, [size]);
  }
  return shapes.set('layer_norm_2.weight', [size]);
}

/** Matrices uniform with variance 1 / inputs, norms of 1. */
async function writeWeights(path: string, shapes: Map<string, number[]>, type: WeightType): Promise<void> {
  const ArrayOf = ARRAY_OF[type];
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [name, shape] of shapes) {
    const start = end;
    end += ArrayOf.BYTES_PER_ELEMENT * countOf(shape);
    header[name] = { dtype: type, shape, data_offsets: [start, end] };
  }
  const json = JSON.stringify(header);
  const text = json.padEnd(Math.ceil(json.length / 8) * 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const next = random(1);
  const file = await open(path, 'w');
  try {
    await file.write(Buffer.concat([length, Buffer.from(text)]));
    for (const shape of shapes.values()) {
      const values = new ArrayOf(countOf(shape)).fill(1);
      const width = shape.length > 1 ? Math.sqrt(12 / shape[1]!) : 0;
      if (width > 0) for (let i = 0; i < values.length; i++) values[i] = width * (next() - 0.5);
      await file.write(new Uint8Array(values.buffer));
    }
  } finally {
    await file.close();
  }
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function configOf(layers: number) {
  return {
    model_type: 'AMPLIFY',
    hidden_size: MODEL_SIZES.hiddenSize,
    num_hidden_layers: layers,
    num_attention_heads: MODEL_SIZES.heads,
    intermediate_size: MODEL_SIZES.intermediateSize,
    hidden_act: 'SwiGLU',
    rms_norm: true,
    norm_eps: 1e-5,
    layer_norm_after_embedding: false,
    layer_norm_before_last_layer: true,
    att_bias: false,
    ffn_bias: false,
    vocab_size: TOKENS.length,
    pad_token_id: 0,
    max_length: 2048,
  };
}

function tokenizer() {
  const single = [{ SpecialToken: { id: '<bos>' } }, { Sequence: { id: 'A' } }, { SpecialToken: { id: '<eos>' } }];
  return {
    post_processor: { type: 'TemplateProcessing', single },
    model: { type: 'WordPiece', vocab: Object.fromEntries(TOKENS.map((token, id) => [token, id])) },
  };
}
