import type { Tensors, TestConfig } from './checkpoint.ts';

/**
 * A second implementation of AMPLIFY and ESM-2, in float64 and with loops, after their published PyTorch code. The generated
 * graphs are compared with it for sizes and options that the fixtures lack. It was checked against PyTorch itself (and is
 * checked against the fixtures in reference.test.ts).
 */

/** Rows of one sequence: [tokens][components]. */
export type Rows = Float64Array[];

export interface HiddenStates {
  beforeNorm: Rows;
  afterNorm: Rows;
}

/**
 * x W^T without bias.
 * @param weight [outputs, inputs]
 */
export type LinearProduct = (x: Rows, weight: Float64Array, outputs: number, inputs: number) => Rows;

const exactProduct: LinearProduct = (x, weight, outputs, inputs) =>
  x.map((row) =>
    Float64Array.from({ length: outputs }, (_, o) => {
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum += weight[o * inputs + i]! * row[i]!;
      return sum;
    }),
  );

class Weights {
  readonly #tensors: Tensors;
  readonly #product: LinearProduct;
  constructor(tensors: Tensors, product: LinearProduct) {
    this.#tensors = tensors;
    this.#product = product;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  values(name: string): Float64Array {
    return this.#tensors.get(name)!.values;
  }

  linear(x: Rows, name: string): Rows {
    const { shape, values } = this.#tensors.get(`${name}.weight`)!;
    const [outputs, inputs] = shape as [number, number];
    const bias = this.has(`${name}.bias`) ? this.values(`${name}.bias`) : undefined;
    const products = this.#product(x, values, outputs, inputs);
    return bias ? products.map((row) => row.map((value, o) => value + bias[o]!)) : products;
  }

  norm(x: Rows, name: string, epsilon: number, rms: boolean): Rows {
    const weight = this.values(`${name}.weight`);
    return x.map((row) => {
      const mean = rms ? 0 : average(row);
      const variance = average(row.map((value) => (value - mean) ** 2));
      const bias = rms ? undefined : this.values(`${name}.bias`);
      return row.map((value, i) => ((value - mean) / Math.sqrt(variance + epsilon)) * weight[i]! + (bias?.[i] ?? 0));
    });
  }

  embedding(ids: readonly number[], name: string, size: number): Rows {
    return ids.map((id) => this.values(name).slice(id * size, (id + 1) * size));
  }
}

export function amplifyReference(
  config: TestConfig,
  tensors: Tensors,
  ids: readonly number[],
  product: LinearProduct = exactProduct,
): HiddenStates {
  const weights = new Weights(tensors, product);
  const norm = (x: Rows, name: string) => weights.norm(x, name, config.norm_eps, config.rms_norm);
  let x = weights.embedding(ids, 'encoder.weight', config.hidden_size);
  if (config.layer_norm_after_embedding) x = norm(x, 'layer_norm_1');
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const block = `transformer_encoder.${i}`;
    const normed = norm(x, `${block}.attention_norm`);
    const [q, k, v] = ['q', 'k', 'v'].map((name) => weights.linear(normed, `${block}.${name}`));
    const attended = attend(q!, k!, v!, config.num_attention_heads, 'neighbours');
    x = sum(x, weights.linear(attended, `${block}.wo`));
    x = sum(x, amplifyFeedForward(weights, config, norm(x, `${block}.ffn_norm`), `${block}.ffn`));
  }
  return { beforeNorm: x, afterNorm: config.layer_norm_before_last_layer ? norm(x, 'layer_norm_2') : x };
}

function amplifyFeedForward(weights: Weights, config: TestConfig, x: Rows, name: string): Rows {
  if (config.hidden_act !== 'SwiGLU') {
    const activate = config.hidden_act === 'ReLU' ? (value: number) => Math.max(0, value) : geluOf;
    return weights.linear(
      weights.linear(x, `${name}.0`).map((row) => row.map(activate)),
      `${name}.2`,
    );
  }
  const gated = weights.linear(x, `${name}.w12`).map((row) => {
    const inner = row.length / 2;
    return row.slice(0, inner).map((gate, i) => (gate / (1 + Math.exp(-gate))) * row[inner + i]!);
  });
  return weights.linear(gated, `${name}.w3`);
}

export function esm2Reference(
  config: TestConfig,
  tensors: Tensors,
  ids: readonly number[],
  product: LinearProduct = exactProduct,
): HiddenStates {
  const weights = new Weights(tensors, product);
  const norm = (x: Rows, name: string) => weights.norm(x, name, config.layer_norm_eps, false);
  const scale = config.token_dropout ? 0.88 : 1;
  let x = weights.embedding(ids, 'esm.embeddings.word_embeddings.weight', config.hidden_size);
  x = x.map((row) => row.map((value) => value * scale));
  if (config.emb_layer_norm_before) x = norm(x, 'esm.embeddings.layer_norm');
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const layer = `esm.encoder.layer.${i}`;
    const normed = norm(x, `${layer}.attention.LayerNorm`);
    const [q, k, v] = ['query', 'key', 'value'].map((name) =>
      weights.linear(normed, `${layer}.attention.self.${name}`),
    );
    const attended = attend(q!, k!, v!, config.num_attention_heads, 'halves');
    x = sum(x, weights.linear(attended, `${layer}.attention.output.dense`));
    const wide = weights.linear(norm(x, `${layer}.LayerNorm`), `${layer}.intermediate.dense`);
    x = sum(
      x,
      weights.linear(
        wide.map((row) => row.map(geluOf)),
        `${layer}.output.dense`,
      ),
    );
  }
  return { beforeNorm: x, afterNorm: norm(x, 'esm.encoder.emb_layer_norm_after') };
}

function attend(query: Rows, key: Rows, value: Rows, heads: number, pairs: 'neighbours' | 'halves'): Rows {
  const headSize = query[0]!.length / heads;
  const out = query.map((row) => new Float64Array(row.length));
  for (let head = 0; head < heads; head++) {
    const part = (rows: Rows) => rows.map((row) => row.slice(head * headSize, (head + 1) * headSize));
    const q = part(query).map((row, position) => rotate(row, position, pairs));
    const k = part(key).map((row, position) => rotate(row, position, pairs));
    const v = part(value);
    for (const [i, row] of q.entries()) {
      const scores = k.map((other) => dot(row, other) / Math.sqrt(headSize));
      const largest = Math.max(...scores);
      const shares = scores.map((score) => Math.exp(score - largest));
      const total = shares.reduce((a, b) => a + b, 0);
      for (const [j, share] of shares.entries())
        for (let c = 0; c < headSize; c++) out[i]![head * headSize + c]! += (share / total) * v[j]![c]!;
    }
  }
  return out;
}

function rotate(row: Float64Array, position: number, pairs: 'neighbours' | 'halves'): Float64Array {
  const half = row.length / 2;
  const turned = new Float64Array(row.length);
  for (let i = 0; i < half; i++) {
    const angle = position / 10000 ** ((2 * i) / row.length);
    const [a, b] = pairs === 'neighbours' ? [2 * i, 2 * i + 1] : [i, i + half];
    turned[a] = row[a]! * Math.cos(angle) - row[b]! * Math.sin(angle);
    turned[b] = row[a]! * Math.sin(angle) + row[b]! * Math.cos(angle);
  }
  return turned;
}

function geluOf(x: number): number {
  return (x / 2) * (1 + errorFunction(x / Math.SQRT2));
}

/** Computes erf by a series of positive terms; beyond 6 it is 1 in float64. */
function errorFunction(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let total = x;
  for (let n = 0; n < 200; n++) {
    term *= (2 * x * x) / (2 * n + 3);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

/** Returns the mean over rows [start, end). */
export function meanOf(rows: Rows, start: number, end: number): Float64Array {
  return rows[0]!.map((_, c) => average(Float64Array.from(rows.slice(start, end), (row) => row[c]!)));
}

/** Returns max|got - want| / max|want|, the fixtures' measure. */
export function relativeError(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < want.length; i++) {
    difference = Math.max(difference, Math.abs(got[i]! - want[i]!));
    largest = Math.max(largest, Math.abs(want[i]!));
  }
  return got.length === want.length && !Number.isNaN(difference) ? difference / largest : Number.NaN;
}

function sum(a: Rows, b: Rows): Rows {
  return a.map((row, i) => row.map((value, c) => value + b[i]![c]!));
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((total, value, i) => total + value * b[i]!, 0);
}

function average(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
