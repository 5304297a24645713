import type { Value } from '../../core/onnx/graph-builder.ts';
import type { Architecture, EncoderParts } from '../architecture.ts';
import type { ModelConfig } from '../config.ts';
import { attention, createFolding, gelu, layerNorm, linear, rotaryTables } from '../layers.ts';
import { createTokenizer, parseVocabTxt, type Tokenizer } from '../tokenizer.ts';

/**
 * What ESM-2 multiplies embeddings with where no token is masked: 15% of the tokens were chosen in training and
 * 80% of those masked, whatever config.json says.
 */
const TOKEN_DROPOUT_SCALE = 1 - 0.15 * 0.8;

/**
 * ESM-2 (Meta) as Hugging Face's EsmModel: a pre-norm encoder with rotary positions over the halves of a head.
 * Its embeddings are taken after the final norm (`last_hidden_state`).
 */
export const esm2: Architecture = {
  name: 'ESM-2',
  modelType: 'esm',
  tokenizerFile: 'vocab.txt',
  defaults: { hiddenState: 'after-norm', maxResidues: 1022 },
  // Rotary positions have no last one; beyond 1022 residues the model was not trained.
  tokenLimit: () => undefined,
  parseTokenizer,
  buildEncoder,
};

function parseTokenizer(path: string, text: string, config: ModelConfig): Tokenizer {
  const ids = parseVocabTxt(path, text);
  const vocabulary = { path, ids, prefix: ['<cls>'], suffix: ['<eos>'], pad: '<pad>', unknown: '<unk>' };
  return createTokenizer(vocabulary, config, { pad_token_id: '<pad>', mask_token_id: '<mask>' });
}

function buildEncoder(parts: EncoderParts): Value {
  const { graph, weights, config } = parts;
  const size = config.size('hidden_size');
  const inner = config.size('intermediate_size');
  const layers = config.size('num_hidden_layers');
  const heads = config.size('num_attention_heads');
  if (size % (2 * heads) !== 0) throw config.wrong('num_attention_heads', `a divisor of ${size} into even parts`);
  if (config.text('position_embedding_type', 'absolute') !== 'rotary')
    throw config.wrong('position_embedding_type', '"rotary" (ESM-1 models are not supported)');
  if (config.text('hidden_act', 'gelu') !== 'gelu') throw config.wrong('hidden_act', '"gelu"');
  const epsilon = config.number('layer_norm_eps', 1e-12);
  const norm = (x: Value, name: string) => layerNorm(parts, x, name, size, epsilon);
  const prefix = weights.prefixOf('embeddings.word_embeddings.weight');
  const rotary = rotaryTables(graph, parts.maxTokens, size / heads, 'halves');
  const { fold, unfold } = createFolding(graph, parts.tokenIds, size);

  let x = fold(embeddings(parts, `${prefix}embeddings`, size));
  if (config.flag('emb_layer_norm_before', false)) x = norm(x, `${prefix}embeddings.layer_norm`);
  for (let i = 0; i < layers; i++) {
    const layer = `${prefix}encoder.layer.${i}`;
    const normed = norm(x, `${layer}.attention.LayerNorm`);
    const dense = (name: string, input: Value, inputs: number, outputs: number) =>
      linear(parts, input, { name: `${layer}.${name}`, inputs, outputs, hasBias: true });
    const project = (name: string, input: Value) => dense(`attention.${name}`, input, size, size);
    const attended = attention(graph, {
      query: unfold(project('self.query', normed)),
      key: unfold(project('self.key', normed)),
      value: unfold(project('self.value', normed)),
      heads,
      rotary,
      tokenCounts: parts.tokenCounts,
    });
    x = graph.op('Add', [x, project('output.dense', fold(attended))]);
    const wide = dense('intermediate.dense', norm(x, `${layer}.LayerNorm`), size, inner);
    x = graph.op('Add', [x, dense('output.dense', gelu(graph, wide), inner, size)]);
  }
  weights.refuseUnused(prefix, /^encoder\.layer\.\d+\.(?!.*rotary_embeddings\.inv_freq$)/);
  if (parts.hiddenState === 'after-norm') x = norm(x, `${prefix}encoder.emb_layer_norm_after`);
  return unfold(x);
}

function embeddings({ graph, weights, config, tokenIds }: EncoderParts, name: string, size: number): Value {
  const table = weights.tensor(`${name}.word_embeddings.weight`, [config.size('vocab_size'), size]);
  const rows = graph.op('Gather', [table, tokenIds]);
  if (!config.flag('token_dropout', false)) return rows;
  return graph.op('Mul', [rows, graph.floats('token_dropout_scale', TOKEN_DROPOUT_SCALE)]);
}
