import type { Value } from '../../../onnx/graph-builder.ts';
import type { Architecture, EncoderParts } from '../architecture.ts';
import type { ModelConfig } from '../config.ts';
import { attention, createFolding, layerNorm, linear, requirePairs, rotaryTables, silu } from '../layers.ts';
import { createTokenizer, type Tokenizer } from '../tokenizers/tokenizer.ts';
import { idsByPosition, parseTokenizerJson } from '../tokenizers/vocabulary-files.ts';
import { type Projection, tensorNames } from './esmc-names.ts';

/** Tokens of all models of the family, in the order of their ids, as in the authors' code. */
const TOKENS = ['<cls>', '<pad>', '<eos>', '<unk>', ...'LAGVSERTIDPKQNFYMHWCXBUZO.-|', '<mask>'];
/** Epsilon of torch.nn.LayerNorm. */
const NORM_EPSILON = 1e-5;
/** The number of layers for which residuals are not scaled. */
const UNSCALED_LAYERS = 36;

/**
 * ESM C (EvolutionaryScale), as in Hugging Face's EsmcModel: a pre-norm encoder with rotary positions over the halves of a head,
 * norms of queries and keys, scaled residuals and a SwiGLU feed-forward network. Embeddings are taken after the final norm.
 */
export const esmC: Architecture = {
  name: 'ESM-C',
  modelType: 'esmc',
  sizeFields: { dimension: 'hidden_size', layers: 'num_hidden_layers' },
  tokenizers: [
    {
      file: 'tokenizer.json',
      parse: ([document], config) => createEsmTokenizer(document.path, parseTokenizerJson(document).ids, config),
    },
  ],
  builtInTokenizer: (config) => createEsmTokenizer(config.path, idsByPosition(config.path, TOKENS), config),
  // Trained on up to 2048 tokens; rotary positions are unlimited.
  defaults: { hiddenState: 'after-norm', maxResidues: 2046 },
  tokenLimit: () => undefined,
  buildEncoder,
};

/** ESM++ (Synthyra): the weights of ESM C, under the names of EvolutionaryScale's code. */
export const esmPlusPlus: Architecture = { ...esmC, name: 'ESM-C', modelType: 'ESMplusplus' };

function createEsmTokenizer(path: string, ids: ReadonlyMap<string, number>, config: ModelConfig): Tokenizer {
  // The table of embeddings has 64 rows.
  const vocabulary = { path, ids, prefix: ['<cls>'], suffix: ['<eos>'], pad: '<pad>', unknown: '<unk>' };
  return createTokenizer({ ...vocabulary, hasSpareRows: true }, config, {
    pad_token_id: '<pad>',
    bos_token_id: '<cls>',
    eos_token_id: '<eos>',
    mask_token_id: '<mask>',
  });
}

function buildEncoder(parts: EncoderParts): Value {
  const { graph, weights, config } = parts;
  const size = config.size('hidden_size');
  const layers = config.size('num_hidden_layers');
  const heads = config.size('num_attention_heads');
  checkVariant(config, size, heads);
  const names = tensorNames(weights, config, size);
  const { fold, unfold } = createFolding(graph, parts.tokenIds, size);
  const norm = (x: Value, name: string, hasBias: boolean) => layerNorm(parts, x, name, size, NORM_EPSILON, hasBias);
  const project = (x: Value, { layer, range }: Projection) => linear(parts, x, layer, range);
  const scale = graph.floats('residual_scale', Math.sqrt(layers / UNSCALED_LAYERS));
  const add = (x: Value, branch: Value) =>
    graph.op('Add', [x, layers === UNSCALED_LAYERS ? branch : graph.op('Div', [branch, scale])]);

  const table = weights.tensor(names.embedding, [config.size('vocab_size'), size]);
  // After the first tensor, whose shape confirms the size that the tables have.
  const theta = config.inside('rope_parameters').positive('rope_theta', 10000);
  const rotary = rotaryTables(graph, parts.maxTokens, size / heads, 'halves', theta);
  let x = fold(graph.op('Gather', [table, parts.tokenIds]));
  for (let i = 0; i < layers; i++) {
    const block = names.block(i);
    const normed = norm(x, block.attentionNorm, true);
    const attended = attention(graph, {
      query: unfold(norm(project(normed, block.query), block.queryNorm, false)),
      key: unfold(norm(project(normed, block.key), block.keyNorm, false)),
      value: unfold(project(normed, block.value)),
      heads,
      rotary,
      tokenCounts: parts.tokenCounts,
    });
    x = add(x, project(fold(attended), block.output));
    const wide = norm(x, block.feedForwardNorm, true);
    const gated = graph.op('Mul', [silu(graph, project(wide, block.gate)), project(wide, block.up)]);
    x = add(x, project(gated, block.down));
  }
  weights.refuseUnused(names.prefix, names.belongs);
  if (parts.hiddenState === 'after-norm') x = norm(x, names.finalNorm, false);
  return unfold(x);
}

/** @throws DataError for what no published model has, and this graph does not compute */
function checkVariant(config: ModelConfig, size: number, heads: number): void {
  requirePairs(config, size, heads);
  for (const [field, only] of [
    ['num_key_value_heads', heads],
    ['head_dim', size / heads],
  ] as const)
    if (config.has(field) && config.size(field) !== only) throw config.wrong(field, `${only}`);
  if (config.text('hidden_act', 'silu') !== 'silu') throw config.wrong('hidden_act', '"silu"');
  const rope = config.inside('rope_parameters');
  if (rope.text('rope_type', 'default') !== 'default') throw rope.wrong('rope_type', '"default"');
}
