import type { Value } from '../../../onnx/graph-builder.ts';
import type { Architecture, EncoderParts } from '../architecture.ts';
import type { ModelConfig } from '../config.ts';
import {
  attention,
  createFolding,
  gelu,
  type LayerContext,
  layerNorm,
  linear,
  requirePairs,
  rmsNorm,
  rotaryTables,
  silu,
} from '../layers.ts';
import type { ModelDocument } from '../read-document.ts';
import { createTokenizer, type Tokenizer } from '../tokenizers/tokenizer.ts';
import { parseTokenizerJson } from '../tokenizers/vocabulary-files.ts';

/** Default of the model's configuration class. */
const DEFAULT_MAX_LENGTH = 2048;

/**
 * AMPLIFY (chandar-lab): a pre-norm encoder with rotary positions over neighbouring components and a SwiGLU feed-forward network.
 * Embeddings are taken before the final norm, as in its repository.
 */
export const amplify: Architecture = {
  name: 'AMPLIFY',
  modelType: 'AMPLIFY',
  sizeFields: { dimension: 'hidden_size', layers: 'num_hidden_layers' },
  tokenizers: [{ file: 'tokenizer.json', parse: ([document], config) => parseTokenizer(document, config) }],
  defaults: { hiddenState: 'before-norm', maxResidues: 2000 },
  tokenLimit: (config) => (config.has('max_length') ? config.size('max_length') : DEFAULT_MAX_LENGTH),
  buildEncoder,
};

function parseTokenizer(document: ModelDocument, config: ModelConfig): Tokenizer {
  const { ids, prefix = ['<bos>'], suffix = ['<eos>'] } = parseTokenizerJson(document);
  return createTokenizer({ path: document.path, ids, prefix, suffix, pad: '<pad>', unknown: '<unk>' }, config, {
    pad_token_id: '<pad>',
    unk_token_id: '<unk>',
    mask_token_id: '<mask>',
    bos_token_id: '<bos>',
    eos_token_id: '<eos>',
  });
}

function buildEncoder(parts: EncoderParts): Value {
  const { graph, weights, config } = parts;
  const size = config.size('hidden_size');
  const layers = config.size('num_hidden_layers');
  const heads = config.size('num_attention_heads');
  requirePairs(config, size, heads);
  const attentionBias = config.flag('att_bias', false);
  const normalize = normOf(config, size);
  const feedForward = feedForwardOf(config, size);
  const { fold, unfold } = createFolding(graph, parts.tokenIds, size);

  const prefix = weights.prefixOf('encoder.weight');
  const table = weights.tensor(`${prefix}encoder.weight`, [config.size('vocab_size'), size]);
  // After the first tensor, whose shape confirms the size that the tables have.
  const rotary = rotaryTables(graph, parts.maxTokens, size / heads, 'neighbours');
  let x = fold(graph.op('Gather', [table, parts.tokenIds]));
  if (config.flag('layer_norm_after_embedding', false)) x = normalize(parts, x, `${prefix}layer_norm_1`);
  for (let i = 0; i < layers; i++) {
    const block = `${prefix}transformer_encoder.${i}`;
    const normed = normalize(parts, x, `${block}.attention_norm`);
    const project = (name: string, input: Value) =>
      linear(parts, input, { name: `${block}.${name}`, inputs: size, outputs: size, hasBias: attentionBias });
    const attended = attention(graph, {
      query: unfold(project('q', normed)),
      key: unfold(project('k', normed)),
      value: unfold(project('v', normed)),
      heads,
      rotary,
      tokenCounts: parts.tokenCounts,
    });
    x = graph.op('Add', [x, project('wo', fold(attended))]);
    x = graph.op('Add', [x, feedForward(parts, normalize(parts, x, `${block}.ffn_norm`), `${block}.ffn`)]);
  }
  weights.refuseUnused(prefix, /^transformer_encoder\.\d+\./);
  if (parts.hiddenState === 'after-norm') {
    if (!config.flag('layer_norm_before_last_layer', true))
      throw config.wrong('layer_norm_before_last_layer', 'true for the hidden state after the norm');
    x = normalize(parts, x, `${prefix}layer_norm_2`);
  }
  return unfold(x);
}

type Layer = (context: LayerContext, x: Value, name: string) => Value;

function normOf(config: ModelConfig, size: number): Layer {
  const epsilon = config.positive('norm_eps', 1e-5);
  const norm = config.flag('rms_norm', true) ? rmsNorm : layerNorm;
  return (context, x, name) => norm(context, x, name, size, epsilon);
}

function feedForwardOf(config: ModelConfig, size: number): Layer {
  const intermediate = config.size('intermediate_size');
  const hasBias = config.flag('ffn_bias', false);
  const activation = config.text('hidden_act', 'SwiGLU').toLowerCase();
  if (activation === 'swiglu') return swiglu(size, 8 * Math.ceil(Math.trunc((2 * intermediate) / 3) / 8), hasBias);
  if (activation !== 'relu' && activation !== 'gelu') throw config.wrong('hidden_act', 'SwiGLU, GELU or ReLU');
  return (context, x, name) => {
    const wide = linear(context, x, { name: `${name}.0`, inputs: size, outputs: intermediate, hasBias });
    const active = activation === 'gelu' ? gelu(context.graph, wide) : context.graph.op('Relu', [wide]);
    return linear(context, active, { name: `${name}.2`, inputs: intermediate, outputs: size, hasBias });
  };
}

/** `w12` has the rows of the gate, then those of the other factor. Each is a separate product, so that the graph needs no split. */
function swiglu(size: number, inner: number, hasBias: boolean): Layer {
  return (context, x, name) => {
    const w12 = { name: `${name}.w12`, inputs: size, outputs: 2 * inner, hasBias };
    const gate = silu(context.graph, linear(context, x, w12, [0, inner]));
    const gated = context.graph.op('Mul', [gate, linear(context, x, w12, [inner, 2 * inner])]);
    return linear(context, gated, { name: `${name}.w3`, inputs: inner, outputs: size, hasBias });
  };
}
