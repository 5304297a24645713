import type { TrailingStop } from '../fasta/sequence.ts';
import type { ShardAttributes } from '../shard/shard.ts';

/** Turns protein sequences into vectors. */
export interface Embedder {
  /** Components of a vector, D. */
  readonly dimension: number;
  /** How the vectors are made: model, model_hash, pooling, truncation, ...; recorded in every shard. */
  readonly attributes: ShardAttributes;
  /** Residues it is best given at once; progress is told after each such block. Default: 32,768. */
  readonly blockResidues?: number;
  /** What becomes of a `*` at the end before a sequence is embedded. Default: `drop`. */
  readonly trailingStop?: TrailingStop;
  /** Where the first letter of a sequence is that it refuses; -1 for none. Left out where it refuses none. */
  readonly findRefused?: (sequence: string) => number;
  /**
   * Embeds sequences of upper-case letters (see fasta/sequence.ts).
   * @returns sequences.length * dimension components, in the order of the sequences
   */
  embed(sequences: readonly string[]): Promise<Float32Array>;
  close(): Promise<void>;
}
