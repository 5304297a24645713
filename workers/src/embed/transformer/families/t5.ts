import { DataError } from '../../../base/errors.ts';
import type { GraphBuilder, Value } from '../../../onnx/graph-builder.ts';
import type { Architecture, EncoderParts } from '../architecture.ts';
import type { ModelConfig } from '../config.ts';
import { attention, createFolding, gelu, linear, rmsNorm, silu, tanhGelu } from '../layers.ts';
import { ADDED_TOKENS, parseSentencePiece, TOKENIZER_CONFIG } from '../tokenizers/sentencepiece.ts';
import { createTokenizer, type Tokenizer } from '../tokenizers/tokenizer.ts';
import { parseTokenizerJson } from '../tokenizers/vocabulary-files.ts';
import { relativePositionBias } from './relative-positions.ts';

/** What SentencePiece writes for the space before a word. */
const SPACE = '▁';
/** Letters that Rostlab's models read as X, as in their published recipes. */
const RARE_LETTERS = 'UZOB';
/** ProstT5's token before amino acids; its lower-case letters are those of structures. */
const AMINO_ACIDS_FOLLOW = '<AA2fold>';
/** A token of Ankh 3, whose sequences need it in front. */
const ANKH_3 = '[NLU]';

/**
 * The encoder of T5 (ProtT5, ProstT5, Ankh), as in Hugging Face's T5EncoderModel: pre-norm, with RMS norms, relative positions as a
 * bias of unscaled attention, and no biases of linear layers. Embeddings are taken after the final norm.
 */
export const t5: Architecture = {
  name: 'T5',
  modelType: 't5',
  sizeFields: { dimension: 'd_model', layers: 'num_layers' },
  tokenizers: [
    {
      file: 'tokenizer.json',
      parse: ([document], config) => createT5Tokenizer(document.path, parseTokenizerJson(document).ids, config),
    },
    {
      file: 'spiece.model',
      additions: [ADDED_TOKENS, TOKENIZER_CONFIG],
      parse: (documents, config) => {
        const size = config.size('vocab_size');
        const { path } = documents[0];
        const ids = parseSentencePiece(documents);
        if (ids.size < size)
          throw new DataError(
            `${path}, ${ADDED_TOKENS} and ${TOKENIZER_CONFIG} in its folder have ${ids.size} tokens, but ${config.path} says "vocab_size": ${size}. Download all files of the model.`,
          );
        return createT5Tokenizer(path, ids, config);
      },
    },
  ],
  // Relative positions are unlimited, and the authors embed whole proteins; the memory of attention grows with the square.
  defaults: { hiddenState: 'after-norm', maxResidues: 4000 },
  tokenLimit: () => undefined,
  buildEncoder,
};

function createT5Tokenizer(path: string, ids: ReadonlyMap<string, number>, config: ModelConfig): Tokenizer {
  if (ids.has(ANKH_3))
    throw new DataError(`${path}: has the token ${ANKH_3} of Ankh 3, which is not supported. Use Ankh or Ankh 2.`);
  const isProtT5 = ids.has(`${SPACE}A`);
  const tokenOf = (letter: string) => {
    if (!isProtT5) return letter;
    // Amino acids are in upper case; lower-case tokens are those of structures.
    const aminoAcid = letter.toUpperCase();
    return SPACE + (RARE_LETTERS.includes(aminoAcid) ? 'X' : aminoAcid);
  };
  const prefix = ids.has(AMINO_ACIDS_FOLLOW) ? [AMINO_ACIDS_FOLLOW] : [];
  const vocabulary = { path, ids, prefix, suffix: ['</s>'], pad: '<pad>', unknown: '<unk>', hasSpareRows: true };
  return createTokenizer({ ...vocabulary, tokenOf }, config, { pad_token_id: '<pad>', eos_token_id: '</s>' });
}

function buildEncoder(parts: EncoderParts): Value {
  const { graph, weights, config } = parts;
  const size = config.size('d_model');
  const layers = config.size('num_layers');
  const heads = config.size('num_heads');
  const inner = heads * config.size('d_kv');
  const epsilon = config.positive('layer_norm_epsilon', 1e-6);
  const feedForward = feedForwardOf(config, size);
  const buckets = bucketsOf(config);
  const prefix = weights.prefixOf('encoder.final_layer_norm.weight');
  const states = createFolding(graph, parts.tokenIds, size);
  const perHead = createFolding(graph, parts.tokenIds, inner);
  const norm = (x: Value, name: string) => rmsNorm(parts, x, name, size, epsilon);

  // Encoder and decoder share the table of embeddings, which is saved once or twice.
  const shared = `${prefix}shared.weight`;
  const embedding = weights.has(shared) ? shared : `${prefix}encoder.embed_tokens.weight`;
  const table = weights.tensor(embedding, [config.size('vocab_size'), size]);
  // The first layer has the table of positions, and all layers use it.
  const positions = `${prefix}encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight`;
  const biases = weights.tensor(positions, [buckets.count, heads]);
  const positionBias = relativePositionBias(graph, biases, buckets, parts.tokenIds, parts.maxTokens);
  let x = states.fold(graph.op('Gather', [table, parts.tokenIds]));
  for (let i = 0; i < layers; i++) {
    const block = `${prefix}encoder.block.${i}`;
    const name = `${block}.layer.0.SelfAttention`;
    const normed = norm(x, `${block}.layer.0.layer_norm`);
    const project = (part: string) =>
      perHead.unfold(linear(parts, normed, { name: `${name}.${part}`, inputs: size, outputs: inner, hasBias: false }));
    const attended = attention(graph, {
      query: project('q'),
      key: project('k'),
      value: project('v'),
      heads,
      rotary: undefined,
      tokenCounts: parts.tokenCounts,
      positionBias,
      scale: 1,
    });
    const output = { name: `${name}.o`, inputs: inner, outputs: size, hasBias: false };
    x = graph.op('Add', [x, linear(parts, perHead.fold(attended), output)]);
    const wide = norm(x, `${block}.layer.1.layer_norm`);
    x = graph.op('Add', [x, feedForward(parts, wide, `${block}.layer.1.DenseReluDense`)]);
  }
  weights.refuseUnused(
    prefix,
    /^(?!decoder\.|lm_head\.|(shared|encoder\.embed_tokens|encoder\.final_layer_norm)\.weight$)/,
  );
  if (parts.hiddenState === 'after-norm') x = norm(x, `${prefix}encoder.final_layer_norm`);
  return states.unfold(x);
}

function bucketsOf(config: ModelConfig) {
  const count = config.has('relative_attention_num_buckets') ? config.size('relative_attention_num_buckets') : 32;
  // A quarter of the buckets is for near keys, in each direction.
  if (count < 4) throw config.wrong('relative_attention_num_buckets', 'a whole number from 4');
  const maxDistance = config.has('relative_attention_max_distance')
    ? config.size('relative_attention_max_distance')
    : 128;
  const exact = Math.floor(Math.floor(count / 2) / 2);
  if (maxDistance <= exact) throw config.wrong('relative_attention_max_distance', `a whole number above ${exact}`);
  return { count, maxDistance };
}

type Activation = (graph: GraphBuilder, x: Value) => Value;

/** Activations by their names in `feed_forward_proj`. */
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  relu: (graph, x) => graph.op('Relu', [x]),
  gelu,
  gelu_new: tanhGelu,
  silu,
};

type Layer = (parts: EncoderParts, x: Value, name: string) => Value;

/** Returns the feed-forward network: of two layers, or, gated, of three. */
function feedForwardOf(config: ModelConfig, size: number): Layer {
  const wide = config.size('d_ff');
  const field = 'feed_forward_proj';
  const [, gated, activation] = /^(gated-)?(\w+)$/.exec(config.text(field, 'relu')) ?? [];
  // The reference implementation's exception, for checkpoints of T5 1.1.
  const name = gated && activation === 'gelu' ? 'gelu_new' : (activation ?? '');
  const activate = Object.hasOwn(ACTIVATIONS, name) ? ACTIVATIONS[name]! : undefined;
  if (!activate) throw config.wrong(field, '"relu", "gelu", "gelu_new" or "silu", or one of them after "gated-"');
  return (parts, x, layer) => {
    const widen = (part: string) =>
      linear(parts, x, { name: `${layer}.${part}`, inputs: size, outputs: wide, hasBias: false });
    const active = activate(parts.graph, widen(gated ? 'wi_0' : 'wi'));
    const inner = gated ? parts.graph.op('Mul', [active, widen('wi_1')]) : active;
    return linear(parts, inner, { name: `${layer}.wo`, inputs: wide, outputs: size, hasBias: false });
  };
}
