import type { ModelConfig } from '../config.ts';
import type { GraphWeights } from '../graph-weights.ts';
import type { Linear } from '../layers.ts';

/** A linear layer, or a range of the outputs of one that computes several at once. */
export interface Projection {
  layer: Linear;
  range?: readonly [number, number];
}

interface BlockNames {
  attentionNorm: string;
  queryNorm: string;
  keyNorm: string;
  feedForwardNorm: string;
  query: Projection;
  key: Projection;
  value: Projection;
  output: Projection;
  gate: Projection;
  up: Projection;
  down: Projection;
}

interface Names {
  prefix: string;
  embedding: string;
  finalNorm: string;
  /** Matches the names of tensors of the layers. */
  belongs: RegExp;
  block(index: number): BlockNames;
}

/** Returns the names of the tensors: Hugging Face's, or those of EvolutionaryScale's code. */
export function tensorNames(weights: GraphWeights, config: ModelConfig, size: number): Names {
  const original = weights.prefixOf('transformer.norm.weight');
  if (weights.has(`${original}transformer.norm.weight`)) return originalNames(original, config, size);
  const prefix = weights.prefixOf('embed_tokens.weight');
  const inner = config.size('intermediate_size');
  const attentionBias = config.flag('attention_bias', false);
  const hasBias = config.flag('mlp_bias', false);
  return {
    prefix,
    embedding: `${prefix}embed_tokens.weight`,
    finalNorm: `${prefix}norm`,
    belongs: /^layers\.\d+\./,
    block(index) {
      const name = `${prefix}layers.${index}`;
      const square = (part: string) => ({
        layer: { name: `${name}.self_attn.${part}`, inputs: size, outputs: size, hasBias: attentionBias },
      });
      const wide = (part: string) => ({
        layer: { name: `${name}.mlp.${part}`, inputs: size, outputs: inner, hasBias },
      });
      return {
        attentionNorm: `${name}.input_layernorm`,
        queryNorm: `${name}.self_attn.q_norm`,
        keyNorm: `${name}.self_attn.k_norm`,
        feedForwardNorm: `${name}.post_attention_layernorm`,
        query: square('q_proj'),
        key: square('k_proj'),
        value: square('v_proj'),
        output: square('o_proj'),
        gate: wide('gate_proj'),
        up: wide('up_proj'),
        down: { layer: { name: `${name}.mlp.down_proj`, inputs: inner, outputs: size, hasBias } },
      };
    },
  };
}

function originalNames(prefix: string, config: ModelConfig, size: number): Names {
  // 8/3 of the size, rounded up to a multiple of 256.
  const inner = config.has('intermediate_size') ? config.size('intermediate_size') : 256 * Math.ceil((8 * size) / 768);
  return {
    prefix,
    embedding: `${prefix}embed.weight`,
    finalNorm: `${prefix}transformer.norm`,
    belongs: /^transformer\.blocks\.\d+\.(?!.*inv_freq$)/,
    block(index) {
      const name = `${prefix}transformer.blocks.${index}`;
      const layer = (part: string, inputs: number, outputs: number): Linear => ({
        name: `${name}.${part}`,
        inputs,
        outputs,
        hasBias: false,
      });
      const joint = layer('attn.layernorm_qkv.1', size, 3 * size);
      const gated = layer('ffn.1', size, 2 * inner);
      return {
        attentionNorm: `${name}.attn.layernorm_qkv.0`,
        queryNorm: `${name}.attn.q_ln`,
        keyNorm: `${name}.attn.k_ln`,
        feedForwardNorm: `${name}.ffn.0`,
        query: { layer: joint, range: [0, size] },
        key: { layer: joint, range: [size, 2 * size] },
        value: { layer: joint, range: [2 * size, 3 * size] },
        output: { layer: layer('attn.out_proj', size, size) },
        gate: { layer: gated, range: [0, inner] },
        up: { layer: gated, range: [inner, 2 * inner] },
        down: { layer: layer('ffn.3', inner, size) },
      };
    },
  };
}
