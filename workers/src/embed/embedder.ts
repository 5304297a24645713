import type { TrailingStop } from '../fasta/sequence.ts';
import type { ShardAttributes } from '../shard/shard.ts';

/** Turns protein sequences into vectors. */
export interface Embedder {
  /** Components of a vector, D. */
  readonly dimension: number;
  /** Origin of the vectors, recorded in every shard: model, model_hash, pooling, truncation, ... */
  readonly attributes: ShardAttributes;
  /** Residues of a block, after which progress is reported. Default: 32,768. */
  readonly blockResidues?: number;
  /** Whether a `*` at the end is dropped before embedding. Default: `drop`. */
  readonly trailingStop?: TrailingStop;
  /** Finds the first letter that the embedder refuses; -1 if none. Undefined if the embedder refuses no letter. */
  readonly findRefused?: (sequence: string) => number;
  /**
   * Embeds sequences of upper-case letters (see fasta/sequence.ts).
   * @returns sequences.length * dimension components, in the order of the sequences
   */
  embed(sequences: readonly string[]): Promise<Float32Array>;
  close(): Promise<void>;
}
