import type { Embedder } from '../embedder.ts';
import { createKmerEmbed, KMER_VERSION } from './kmer.ts';
import { KMER_DIMENSION } from './kmer-tables.ts';

/** About a quarter of a second. */
const BLOCK_RESIDUES = 1 << 20;

/** Creates the built-in embedder, which has no weights: for trying LanceFlow, and for close homologs. See embed/kmer/kmer.ts. */
export function loadKmer(): Embedder {
  const embed = createKmerEmbed();
  return {
    dimension: KMER_DIMENSION,
    attributes: { model: 'kmer', model_hash: KMER_VERSION, pooling: 'composition', truncation: 'none' },
    blockResidues: BLOCK_RESIDUES,
    async embed(sequences) {
      const vectors = new Float32Array(sequences.length * KMER_DIMENSION);
      for (const [row, sequence] of sequences.entries())
        embed(sequence, vectors.subarray(row * KMER_DIMENSION, (row + 1) * KMER_DIMENSION));
      return vectors;
    },
    async close() {},
  };
}
