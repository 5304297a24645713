import { compareEmbeddings, type EmbeddingAgreement } from '../core/embedding-agreement.ts';
import type { FastaOptions } from '../core/fasta-parser.ts';
import { UsageError } from '../errors.ts';
import { readFasta } from '../io/fasta.ts';
import { type Embedder, loadEmbedder } from './embedder.ts';
import type { ModelFolderOptions } from './model-folder.ts';

export interface PrecisionReport extends EmbeddingAgreement {
  sequences: number;
  residues: number;
  float32ResiduesPerSecond: number;
  int8ResiduesPerSecond: number;
}

const BLOCK = { records: 4096, residues: 1 << 20 };

/**
 * Embeds a sample of the inputs in float32 and in 8 bits. One model is in memory at a time.
 * @param count sequences of the sample: spread evenly at random over all inputs, the same on every run
 */
export async function comparePrecision(
  model: string,
  options: ModelFolderOptions,
  inputs: readonly string[],
  count: number,
): Promise<PrecisionReport> {
  if (model === 'kmer') throw new UsageError('--compare-precision is for language models; kmer has one precision.');
  const sequences = await sampleSequences(inputs, { ...BLOCK, trailingStop: options.trailingStop ?? 'drop' }, count);
  const exact = await embedTimed(await loadEmbedder(model, { ...options, precision: 'float32' }), sequences);
  const fast = await embedTimed(await loadEmbedder(model, { ...options, precision: 'int8' }), sequences);
  const residues = sequences.reduce((sum, { length }) => sum + length, 0);
  return {
    ...compareEmbeddings(exact.vectors, fast.vectors, exact.dimension),
    sequences: sequences.length,
    residues,
    float32ResiduesPerSecond: residues / exact.seconds,
    int8ResiduesPerSecond: residues / fast.seconds,
  };
}

async function embedTimed(embedder: Embedder, sequences: readonly string[]) {
  try {
    const startedMs = performance.now();
    const vectors = await embedder.embed(sequences);
    return { vectors, dimension: embedder.dimension, seconds: (performance.now() - startedMs) / 1000 };
  } finally {
    await embedder.close();
  }
}

/** Reservoir sampling: every sequence has the same chance, whatever their number. */
async function sampleSequences(inputs: readonly string[], limits: FastaOptions, count: number): Promise<string[]> {
  const sample: string[] = [];
  let seen = 0;
  let state = 1;
  for (const path of inputs)
    for await (const { sequences } of readFasta(path, limits))
      for (const sequence of sequences) {
        seen++;
        if (sample.length < count) {
          sample.push(sequence);
          continue;
        }
        // Numerical Recipes' generator: any will do, so long as it is the same tomorrow.
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        const place = Math.floor((state / 2 ** 32) * seen);
        if (place < count) sample[place] = sequence;
      }
  return sample;
}
