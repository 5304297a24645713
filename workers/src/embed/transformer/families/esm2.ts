import type { Value } from '../../../onnx/graph-builder.ts';
import type { Architecture, EncoderParts } from '../architecture.ts';
import type { ModelConfig } from '../config.ts';
import {
  attention,
  createFolding,
  gelu,
  layerNorm,
  linear,
  type Rotary,
  requirePairs,
  rotaryTables,
} from '../layers.ts';
import type { ModelDocument } from '../read-document.ts';
import { createTokenizer, type Tokenizer } from '../tokenizers/tokenizer.ts';
import { parseVocabTxt } from '../tokenizers/vocabulary-files.ts';

/**
 * Factor by which ESM-2 scales embeddings if no token is masked: in training, 15% of the tokens were selected and 80% of those masked,
 * whatever config.json says.
 */
const TOKEN_DROPOUT_SCALE = 1 - 0.15 * 0.8;

/** The field of config.json with the size of the position table of an ESM-1 model. */
const POSITIONS = 'max_position_embeddings';
const DEFAULT_PAD_ID = 1;

/**
 * ESM-2 (Meta), as in Hugging Face's EsmModel: a pre-norm encoder with rotary positions over the halves of a head. Embeddings are taken
 * after the final norm (`last_hidden_state`).
 */
export const esm2: Architecture = {
  name: 'ESM-2',
  modelType: 'esm',
  isOf: hasRotaryPositions,
  sizeFields: { dimension: 'hidden_size', layers: 'num_hidden_layers' },
  tokenizers: [{ file: 'vocab.txt', parse: ([document], config) => parseTokenizer(document, config) }],
  defaults: { hiddenState: 'after-norm', maxResidues: 1022 },
  // Rotary positions are unlimited; the model was trained on up to 1022 residues.
  tokenLimit: () => undefined,
  buildEncoder,
};

/** ESM-1b and ESM-1v: ESM-2 with a table of positions, which limits the length. */
export const esm1: Architecture = {
  ...esm2,
  name: 'ESM-1',
  isOf: (config) => !hasRotaryPositions(config),
  tokenLimit: (config) => config.size(POSITIONS) - config.id('pad_token_id', DEFAULT_PAD_ID) - 1,
};

function parseTokenizer(document: ModelDocument, config: ModelConfig): Tokenizer {
  const ids = parseVocabTxt(document);
  const vocabulary = { path: document.path, ids, prefix: ['<cls>'], suffix: ['<eos>'], pad: '<pad>', unknown: '<unk>' };
  return createTokenizer(vocabulary, config, { pad_token_id: '<pad>', mask_token_id: '<mask>' });
}

function buildEncoder(parts: EncoderParts): Value {
  const { graph, weights, config } = parts;
  const size = config.size('hidden_size');
  const inner = config.size('intermediate_size');
  const layers = config.size('num_hidden_layers');
  const heads = config.size('num_attention_heads');
  if (size % heads !== 0) throw config.wrong('num_attention_heads', `a divisor of ${size}`);
  const isRotary = hasRotaryPositions(config);
  if (isRotary) requirePairs(config, size, heads);
  if (config.flag('is_decoder', false)) throw config.wrong('is_decoder', 'false: embeddings are made by encoders');
  if (config.text('hidden_act', 'gelu') !== 'gelu') throw config.wrong('hidden_act', '"gelu"');
  const epsilon = config.positive('layer_norm_eps', 1e-12);
  const norm = (x: Value, name: string) => layerNorm(parts, x, name, size, epsilon);
  const prefix = weights.prefixOf('embeddings.word_embeddings.weight');
  const { fold, unfold } = createFolding(graph, parts.tokenIds, size);

  let x = fold(embeddings(parts, `${prefix}embeddings`, size));
  // After the first tensor, whose shape confirms the size that the tables have.
  const rotary = isRotary ? rotaryOf(parts, size, heads) : undefined;
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
  const x = config.flag('token_dropout', false)
    ? graph.op('Mul', [rows, graph.floats('token_dropout_scale', TOKEN_DROPOUT_SCALE)])
    : rows;
  if (hasRotaryPositions(config)) return x;
  const positions = weights.tensor(`${name}.position_embeddings.weight`, [config.size(POSITIONS), size]);
  // As in fairseq, positions start after the padding position.
  const start = graph.integers([config.id('pad_token_id', DEFAULT_PAD_ID) + 1]);
  const length = graph.op('Slice', [graph.op('Shape', [tokenIds]), graph.integers([1]), graph.integers([2])]);
  return graph.op('Add', [x, graph.op('Slice', [positions, start, graph.op('Add', [start, length])])]);
}

/** @throws DataError for a kind of positions that EsmModel does not have */
function hasRotaryPositions(config: ModelConfig): boolean {
  const type = config.text('position_embedding_type', 'absolute');
  if (type !== 'rotary' && type !== 'absolute')
    throw config.wrong('position_embedding_type', '"rotary" (ESM-2) or "absolute" (ESM-1b, ESM-1v)');
  return type === 'rotary';
}

function rotaryOf({ graph, config, maxTokens }: EncoderParts, size: number, heads: number): Rotary {
  return rotaryTables(graph, maxTokens, size / heads, 'halves', config.positive('rope_theta', 10000));
}
