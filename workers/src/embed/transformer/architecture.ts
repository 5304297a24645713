import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import type { ModelConfig } from './config.ts';
import type { GraphWeights } from './graph-weights.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Which hidden state is pooled: the last encoder block's output, or that after the model's final norm. */
export const HIDDEN_STATES = ['before-norm', 'after-norm'] as const;
export type HiddenState = (typeof HIDDEN_STATES)[number];

/** What the graph of an encoder is built from. */
export interface EncoderParts {
  graph: GraphBuilder;
  weights: GraphWeights;
  config: ModelConfig;
  /** int64 [batch, length] */
  tokenIds: Value;
  /** int32 [batch]: tokens of each row, the rest is padding; undefined where no row is padded. */
  tokenCounts: Value | undefined;
  /** Largest `length`. */
  maxTokens: number;
  hiddenState: HiddenState;
}

/** A family of models: everything that differs between them. One file in architectures/ each. */
export interface Architecture {
  /** The name in shards and messages. */
  readonly name: string;
  /** `model_type` in config.json. */
  readonly modelType: string;
  /** Where several have one `model_type`: whether a config.json is of this one. */
  isOf?(config: ModelConfig): boolean;
  /** The file of the model folder that says which token has which id. */
  readonly tokenizerFile: string;
  /** Conventions of the model's authors, used where the user asks for nothing else. */
  readonly defaults: {
    hiddenState: HiddenState;
    /** Longest sequence in residues. */
    maxResidues: number;
  };
  /** The largest number of tokens the model can take at all; undefined where nothing limits it. */
  tokenLimit(config: ModelConfig): number | undefined;
  parseTokenizer(path: string, text: string, config: ModelConfig): Tokenizer;
  /**
   * Builds the encoder.
   * @returns the hidden state, float32 [batch, length, hidden_size]
   * @throws DataError where a tensor is missing or of another shape than config.json says
   */
  buildEncoder(parts: EncoderParts): Value;
}
