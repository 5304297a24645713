import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import type { ModelConfig } from './config.ts';
import type { GraphWeights } from './graph-weights.ts';
import type { Tokenizer } from './tokenizer.ts';

/** The hidden state that is pooled: the output of the last encoder block, or of the final norm. */
export const HIDDEN_STATES = ['before-norm', 'after-norm'] as const;
export type HiddenState = (typeof HIDDEN_STATES)[number];

/** Inputs of the construction of an encoder graph. */
export interface EncoderParts {
  graph: GraphBuilder;
  weights: GraphWeights;
  config: ModelConfig;
  /** int64 [batch, length] */
  tokenIds: Value;
  /** int32 [batch]: token count of each row without padding; undefined if no row is padded. */
  tokenCounts: Value | undefined;
  /** Largest `length`. */
  maxTokens: number;
  hiddenState: HiddenState;
}

/** A family of models: everything in which families differ. Each family has its own file. */
export interface Architecture {
  /** The name in shards and messages. */
  readonly name: string;
  /** `model_type` in config.json. */
  readonly modelType: string;
  /** Distinguishes architectures with the same `model_type`. */
  isOf?(config: ModelConfig): boolean;
  /** The file in the model folder that defines the token ids. */
  readonly tokenizerFile: string;
  /** Conventions of the model's authors, which are the defaults. */
  readonly defaults: {
    hiddenState: HiddenState;
    /** Length limit in residues. */
    maxResidues: number;
  };
  /** Returns the maximum token count of the model; undefined for no limit. */
  tokenLimit(config: ModelConfig): number | undefined;
  parseTokenizer(path: string, text: string, config: ModelConfig): Tokenizer;
  /**
   * Builds the encoder.
   * @returns the hidden state, float32 [batch, length, hidden_size]
   * @throws DataError if a tensor is missing or contradicts config.json
   */
  buildEncoder(parts: EncoderParts): Value;
}
