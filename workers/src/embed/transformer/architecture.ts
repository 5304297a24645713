import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import type { ModelConfig } from './config.ts';
import type { GraphWeights } from './graph-weights.ts';
import type { ModelDocument } from './read-document.ts';
import type { Tokenizer } from './tokenizers/tokenizer.ts';

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

/** A form in which model folders define the token ids. */
export interface TokenizerFormat {
  /** The file that a folder of this form has. */
  readonly file: string;
  /** Files that add tokens where the folder has them. */
  readonly additions?: readonly string[];
  /** @param documents `file`, then the additions that the folder has, in their order */
  parse(documents: readonly [ModelDocument, ...ModelDocument[]], config: ModelConfig): Tokenizer;
}

/** A family of models: everything in which families differ. Each family has its own file. */
export interface Architecture {
  /** The name in shards and messages. */
  readonly name: string;
  /** `model_type` in config.json. */
  readonly modelType: string;
  /** Distinguishes architectures with the same `model_type`. */
  isOf?(config: ModelConfig): boolean;
  /** Fields of config.json with the size of the vectors and the number of layers. */
  readonly sizeFields: { readonly dimension: string; readonly layers: string };
  /** Forms of the tokenizer; the first one that the folder has is read. */
  readonly tokenizers: readonly TokenizerFormat[];
  /** Returns the tokenizer of a folder without a file of tokens, where all models of the family have the same one. */
  builtInTokenizer?(config: ModelConfig): Tokenizer;
  /** Conventions of the model's authors, which are the defaults. */
  readonly defaults: {
    hiddenState: HiddenState;
    /** Length limit in residues. */
    maxResidues: number;
  };
  /** Returns the maximum token count of the model; undefined for no limit. */
  tokenLimit(config: ModelConfig): number | undefined;
  /**
   * Builds the encoder.
   * @returns the hidden state, float32 [batch, length, hidden_size]
   * @throws DataError if a tensor is missing or contradicts config.json
   */
  buildEncoder(parts: EncoderParts): Value;
}
