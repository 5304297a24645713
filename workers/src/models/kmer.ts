import { createKmerEmbed, KMER_VERSION } from '../core/kmer.ts';
import { KMER_DIMENSION } from '../core/kmer-tables.ts';
import type { Embedder } from './embedder.ts';

/** The built-in embedder without weights: for trying LanceFlow, and for close homologs. See core/kmer.ts. */
export function loadKmer(): Embedder {
  const embed = createKmerEmbed();
  return {
    dimension: KMER_DIMENSION,
    attributes: { model: 'kmer', model_hash: KMER_VERSION, pooling: 'composition', truncation: 'none' },
    async embed(sequences) {
      const vectors = new Float32Array(sequences.length * KMER_DIMENSION);
      for (const [row, sequence] of sequences.entries())
        embed(sequence, vectors.subarray(row * KMER_DIMENSION, (row + 1) * KMER_DIMENSION));
      return vectors;
    },
    async close() {},
  };
}
