import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import type { ModelConfig } from './config.ts';
import type { GraphWeights } from './graph-weights.ts';

const MICROSOFT = 'com.microsoft';

/** The graph under construction, and the weights for its constants. */
export interface LayerContext {
  graph: GraphBuilder;
  weights: GraphWeights;
}

/** torch.nn.Linear: its weight is stored as [outputs, inputs]. */
export interface Linear {
  name: string;
  inputs: number;
  outputs: number;
  hasBias: boolean;
}

/**
 * Adds x W^T (+ bias), as torch.nn.Linear. x: [rows, inputs].
 * @param outputs the range [start, end) of outputs to compute; default: all
 */
export function linear(
  { graph, weights }: LayerContext,
  x: Value,
  layer: Linear,
  [start, end]: readonly [number, number] = [0, layer.outputs],
): Value {
  const shape = [layer.outputs, layer.inputs] as const;
  const bias = layer.hasBias ? [weights.rows(`${layer.name}.bias`, [layer.outputs], start, end)] : [];
  const quantized = weights.quantizedRows(`${layer.name}.weight`, shape, start, end);
  if (!quantized) {
    const weight = weights.rows(`${layer.name}.weight`, shape, start, end);
    return graph.op('Gemm', [x, weight, ...bias], { transB: { int: 1 } });
  }
  const [rounded, scale, zero] = graph.ops('DynamicQuantizeLinear', [x], 3);
  const operands = [rounded!, quantized.bytes, scale!, quantized.scales, zero!, '', ...bias];
  return graph.op('MatMulIntegerToFloat', operands, {}, MICROSOFT);
}

/** Adds x / rms(x) * weight over the last axis. */
export function rmsNorm(
  { graph, weights }: LayerContext,
  x: Value,
  name: string,
  size: number,
  epsilon: number,
): Value {
  return graph.op('SimplifiedLayerNormalization', [x, weights.tensor(`${name}.weight`, [size])], {
    axis: { int: -1 },
    epsilon: { float: epsilon },
  });
}

/** Adds torch.nn.LayerNorm over the last axis; its weight and bias may have their old names, gamma and beta. */
export function layerNorm(
  { graph, weights }: LayerContext,
  x: Value,
  name: string,
  size: number,
  epsilon: number,
  hasBias = true,
): Value {
  const [scale, shift] = weights.has(`${name}.gamma`) ? ['gamma', 'beta'] : ['weight', 'bias'];
  const operands = [x, weights.tensor(`${name}.${scale}`, [size])];
  if (hasBias) operands.push(weights.tensor(`${name}.${shift}`, [size]));
  return graph.op('LayerNormalization', operands, { axis: { int: -1 }, epsilon: { float: epsilon } });
}

/** How rotary positions pair the components of a head. */
export type RotaryPairs = 'neighbours' | 'halves';

export interface Rotary {
  cos: Value;
  sin: Value;
  /** Every sequence starts at position 0. */
  start: Value;
  pairs: RotaryPairs;
}

/** Checks that the components of a head form pairs. @throws DataError */
export function requirePairs(config: ModelConfig, size: number, heads: number): void {
  if (size % (2 * heads) !== 0) throw config.wrong('num_attention_heads', `a divisor of ${size} into even parts`);
}

/**
 * Adds tables of rotary positions for `positions` tokens. Every step is rounded to float32, as in the reference implementations: in
 * float64, an angle of 2000 radians would differ from theirs by 1e-4.
 */
export function rotaryTables(
  graph: GraphBuilder,
  positions: number,
  headSize: number,
  pairs: RotaryPairs,
  theta = 10000,
): Rotary {
  const half = headSize / 2;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let i = 0; i < half; i++) {
    const frequency = Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / headSize)));
    for (let position = 0; position < positions; position++) {
      const angle = Math.fround(position * frequency);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return {
    cos: graph.floats('rotary_cos', cos, [positions, half]),
    sin: graph.floats('rotary_sin', sin, [positions, half]),
    start: graph.integers([0]),
    pairs,
  };
}

export interface AttentionParts {
  query: Value;
  key: Value;
  value: Value;
  heads: number;
  /** Undefined if the embeddings include the positions. */
  rotary: Rotary | undefined;
  /** int32 [batch]: token count of each row; undefined if no row is padded. */
  tokenCounts: Value | undefined;
  /** float32 [1, heads, length, length], added to the products of queries and keys. */
  positionBias?: Value;
  /** Factor of the products of queries and keys; default: 1 / sqrt(head size). */
  scale?: number;
}

/**
 * Adds softmax attention; query, key and value are [batch, length, heads * head size]. Without padding and bias, ONNX Runtime
 * computes it blockwise on CPU, in memory that is linear in the length.
 */
export function attention(graph: GraphBuilder, parts: AttentionParts): Value {
  const { rotary, heads } = parts;
  const rotate = (x: Value) =>
    rotary
      ? graph.op(
          'RotaryEmbedding',
          [x, rotary.start, rotary.cos, rotary.sin],
          { interleaved: { int: rotary.pairs === 'neighbours' ? 1 : 0 } },
          MICROSOFT,
        )
      : x;
  const inputs = [rotate(parts.query), rotate(parts.key), parts.value];
  const { tokenCounts = '', positionBias = '', scale } = parts;
  if (tokenCounts || positionBias) inputs.push('', tokenCounts, positionBias);
  const attributes = { num_heads: { int: heads }, ...(scale !== undefined && { scale: { float: scale } }) };
  return graph.op('MultiHeadAttention', inputs, attributes, MICROSOFT);
}

/** Adds x * sigmoid(x). */
export function silu(graph: GraphBuilder, x: Value): Value {
  return graph.op('QuickGelu', [x], { alpha: { float: 1 } }, MICROSOFT);
}

/** Adds the exact GELU, by the error function. */
export function gelu(graph: GraphBuilder, x: Value): Value {
  return graph.op('Gelu', [x], { approximate: { string: 'none' } });
}

/** Adds GELU in its approximation by tanh. */
export function tanhGelu(graph: GraphBuilder, x: Value): Value {
  return graph.op('Gelu', [x], { approximate: { string: 'tanh' } });
}

/** Returns operators that fold [batch, length, size] into rows for linear layers, and unfold them. */
export function createFolding(graph: GraphBuilder, tokenIds: Value, size: number) {
  const folded = graph.integers([-1, size]);
  const unfolded = graph.op('Concat', [graph.op('Shape', [tokenIds]), graph.integers([size])], { axis: { int: 0 } });
  return {
    fold: (x: Value) => graph.op('Reshape', [x, folded]),
    unfold: (x: Value) => graph.op('Reshape', [x, unfolded]),
  };
}
