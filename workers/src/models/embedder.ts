import type { ShardAttributes } from '../core/shard.ts';
import { UsageError } from '../errors.ts';

/** Turns protein sequences into vectors. */
export interface Embedder {
  /** Components of a vector, D. */
  readonly dimension: number;
  /** How the vectors are made: model, model_hash, pooling, truncation, ...; recorded in every shard. */
  readonly attributes: ShardAttributes;
  /**
   * Embeds sequences of upper-case letters (see core/sequence.ts).
   * @returns sequences.length * dimension components, in the order of the sequences
   */
  embed(sequences: readonly string[]): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Loads the model that `--model` names: `kmer`, or the folder of a protein language model.
 * @throws UsageError where it is empty; DataError where the folder is not a model that LanceFlow knows
 */
export async function loadEmbedder(model: string): Promise<Embedder> {
  if (model === '') throw new UsageError('--model is empty: give "kmer" or the folder of a model.');
  // Loaded on demand: the runtime of the neural models takes a second to start.
  if (model === 'kmer') return (await import('./kmer.ts')).loadKmer();
  return (await import('./model-folder.ts')).loadModelFolder(model);
}
