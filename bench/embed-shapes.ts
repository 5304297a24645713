/** Models of published shapes with random weights, for bench/embed.ts. */
export interface BenchModel {
  /** Part of the folder's name. */
  name: string;
  dimension: number;
  layers: number;
  /** Width of the feed-forward network. */
  inner: number;
  /** Weights of the linear layers of one layer. */
  layerWeights: number;
  /** Width of the products of queries and keys, over all heads. */
  attentionWidth: number;
  /** Special tokens of a sequence. */
  specialTokens: number;
  /** The script beside this file that computes it with PyTorch. */
  script: string;
  shapes(layers: number): Map<string, number[]>;
  /** Factor of the random weights of a tensor; default: 1. */
  weightScale?(name: string): number;
  config(layers: number): object;
  tokenizer: object;
}

const LETTERS = 'LAGVSERTIDPKQNFYMHWC';

/** Returns the multiplications and additions of the model for a sequence of `tokens` tokens. */
export function modelFlops({ layerWeights, attentionWidth }: BenchModel, layers: number, tokens: number): number {
  return layers * (2 * tokens * layerWeights + 4 * tokens * tokens * attentionWidth);
}

function tokenizerOf(tokens: readonly string[], before: string | undefined, after: string) {
  const special = (id: string) => ({ SpecialToken: { id } });
  const single = [...(before ? [special(before)] : []), { Sequence: { id: 'A' } }, special(after)];
  return {
    post_processor: { type: 'TemplateProcessing', single },
    model: { type: 'WordPiece', vocab: Object.fromEntries(tokens.map((token, id) => [token, id])) },
  };
}

const AMPLIFY_TOKENS = ['<pad>', '<unk>', '<mask>', '<bos>', '<eos>', '|', ...LETTERS, 'B'];

/** AMPLIFY_350M; its feed-forward network is gated, of 2/3 of the intermediate size. */
const amplify: BenchModel = {
  name: 'amplify',
  dimension: 960,
  layers: 32,
  inner: 2560,
  layerWeights: 4 * 960 * 960 + 3 * 960 * 2560,
  attentionWidth: 960,
  specialTokens: 2,
  script: 'embed-torch.py',
  shapes(layers) {
    const shapes = new Map([['encoder.weight', [AMPLIFY_TOKENS.length, 960]]]);
    for (let i = 0; i < layers; i++) {
      const block = `transformer_encoder.${i}`;
      for (const name of ['q', 'k', 'v', 'wo']) shapes.set(`${block}.${name}.weight`, [960, 960]);
      shapes.set(`${block}.ffn.w12.weight`, [5120, 960]).set(`${block}.ffn.w3.weight`, [960, 2560]);
      for (const name of ['attention_norm', 'ffn_norm']) shapes.set(`${block}.${name}.weight`, [960]);
    }
    return shapes.set('layer_norm_2.weight', [960]);
  },
  config: (layers) => ({
    model_type: 'AMPLIFY',
    hidden_size: 960,
    num_hidden_layers: layers,
    num_attention_heads: 15,
    intermediate_size: 3840,
    hidden_act: 'SwiGLU',
    rms_norm: true,
    norm_eps: 1e-5,
    layer_norm_after_embedding: false,
    layer_norm_before_last_layer: true,
    att_bias: false,
    ffn_bias: false,
    vocab_size: AMPLIFY_TOKENS.length,
    pad_token_id: 0,
    max_length: 2048,
  }),
  tokenizer: tokenizerOf(AMPLIFY_TOKENS, '<bos>', '<eos>'),
};

const ESM_TOKENS = ['<cls>', '<pad>', '<eos>', '<unk>', ...LETTERS, ...'XBUZO.-|', '<mask>'];

/** ESM C 300M. */
const esmc: BenchModel = {
  name: 'esmc',
  dimension: 960,
  layers: 30,
  inner: 2560,
  layerWeights: 4 * 960 * 960 + 3 * 960 * 2560,
  attentionWidth: 960,
  specialTokens: 2,
  script: 'embed-transformers.py',
  shapes(layers) {
    const shapes = new Map([['embed_tokens.weight', [64, 960]]]);
    for (let i = 0; i < layers; i++) {
      const layer = `layers.${i}`;
      for (const name of ['q_proj', 'k_proj', 'v_proj', 'o_proj'])
        shapes.set(`${layer}.self_attn.${name}.weight`, [960, 960]);
      for (const name of ['q_norm', 'k_norm']) shapes.set(`${layer}.self_attn.${name}.weight`, [960]);
      for (const name of ['gate_proj', 'up_proj']) shapes.set(`${layer}.mlp.${name}.weight`, [2560, 960]);
      shapes.set(`${layer}.mlp.down_proj.weight`, [960, 2560]);
      for (const name of ['input_layernorm', 'post_attention_layernorm'])
        shapes.set(`${layer}.${name}.weight`, [960]).set(`${layer}.${name}.bias`, [960]);
    }
    return shapes.set('norm.weight', [960]);
  },
  config: (layers) => ({
    model_type: 'esmc',
    architectures: ['EsmcModel'],
    vocab_size: 64,
    hidden_size: 960,
    num_hidden_layers: layers,
    num_attention_heads: 15,
    intermediate_size: 2560,
    rope_parameters: { rope_type: 'default', rope_theta: 10000 },
  }),
  tokenizer: tokenizerOf(ESM_TOKENS, '<cls>', '<eos>'),
};

const T5_TOKENS = ['<pad>', '</s>', '<unk>', ...LETTERS, ...'XBOUZ'];

interface T5Sizes {
  d_model: number;
  num_layers: number;
  num_heads: number;
  d_kv: number;
  d_ff: number;
  relative_attention_num_buckets: number;
  feed_forward_proj: 'relu' | 'gated-gelu';
}

function t5(name: string, sizes: T5Sizes): BenchModel {
  const { d_model: size, d_ff: inner, num_heads: heads } = sizes;
  const width = heads * sizes.d_kv;
  const widening = sizes.feed_forward_proj === 'relu' ? ['wi'] : ['wi_0', 'wi_1'];
  return {
    name,
    dimension: size,
    layers: sizes.num_layers,
    inner,
    layerWeights: 4 * size * width + (widening.length + 1) * size * inner,
    attentionWidth: width,
    specialTokens: 1,
    script: 'embed-transformers.py',
    shapes(layers) {
      const shapes = new Map([['shared.weight', [T5_TOKENS.length, size]]]);
      for (let i = 0; i < layers; i++) {
        const [attention, network] = [`encoder.block.${i}.layer.0`, `encoder.block.${i}.layer.1`];
        for (const part of ['q', 'k', 'v']) shapes.set(`${attention}.SelfAttention.${part}.weight`, [width, size]);
        shapes.set(`${attention}.SelfAttention.o.weight`, [size, width]);
        for (const part of widening) shapes.set(`${network}.DenseReluDense.${part}.weight`, [inner, size]);
        shapes.set(`${network}.DenseReluDense.wo.weight`, [size, inner]);
        for (const layer of [attention, network]) shapes.set(`${layer}.layer_norm.weight`, [size]);
      }
      const buckets = [sizes.relative_attention_num_buckets, heads];
      shapes.set('encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight', buckets);
      return shapes.set('encoder.final_layer_norm.weight', [size]);
    },
    // As in T5's initialization: attention is not scaled, so the weights of the queries are.
    weightScale: (name) => (name.endsWith('.q.weight') ? 1 / Math.sqrt(sizes.d_kv) : 1),
    config: (layers) => ({
      model_type: 't5',
      architectures: ['T5EncoderModel'],
      vocab_size: T5_TOKENS.length,
      ...sizes,
      num_layers: layers,
    }),
    tokenizer: tokenizerOf(T5_TOKENS, undefined, '</s>'),
  };
}

const prott5 = t5('prott5', {
  d_model: 1024,
  num_layers: 24,
  num_heads: 32,
  d_kv: 128,
  d_ff: 16384,
  relative_attention_num_buckets: 32,
  feed_forward_proj: 'relu',
});
const ankh = t5('ankh', {
  d_model: 768,
  num_layers: 48,
  num_heads: 12,
  d_kv: 64,
  d_ff: 3072,
  relative_attention_num_buckets: 64,
  feed_forward_proj: 'gated-gelu',
});

/** The models that can be measured, by the name for `--model`. */
export const BENCH_MODELS: Readonly<Record<string, BenchModel>> = { amplify, esmc, prott5, ankh };
