import { UsageError } from '../base/errors.ts';
import { readFasta } from '../fasta/fasta.ts';
import { describeRecord, type FastaOptions } from '../fasta/fasta-batch.ts';
import type { FastaReading } from '../fasta/skipped-records.ts';
import { describeBadEmbedding, findBadEmbedding } from '../vectors/vector-check.ts';
import { badVector, kmerPrecision } from './embed-messages.ts';
import type { Embedder } from './embedder.ts';
import { compareEmbeddings, type EmbeddingAgreement } from './embedding-agreement.ts';
import { loadEmbedder } from './load-embedder.ts';
import type { ModelFolderOptions } from './transformer/model-folder.ts';

export interface PrecisionReport extends EmbeddingAgreement {
  sequences: number;
  residues: number;
  float32ResiduesPerSecond: number;
  int8ResiduesPerSecond: number;
}

const BLOCK = { records: 4096, residues: 1 << 20 };

/**
 * Embeds a sample of the inputs in float32 and in int8. One model is in memory at a time.
 * @param count size of the sample, which is uniform over all inputs and the same on every run
 */
export async function comparePrecision(
  model: string,
  options: ModelFolderOptions,
  inputs: readonly string[],
  count: number,
  reading: FastaReading,
): Promise<PrecisionReport> {
  if (model === 'kmer') throw new UsageError(kmerPrecision);
  const limits = { ...BLOCK, ...reading, trailingStop: options.trailingStop ?? 'drop' };
  const sample = await sampleSequences(inputs, limits, count);
  const exact = await embedTimed(await loadEmbedder(model, { ...options, precision: 'float32' }), sample);
  const fast = await embedTimed(await loadEmbedder(model, { ...options, precision: 'int8' }), sample);
  const residues = sample.reduce((sum, { sequence }) => sum + sequence.length, 0);
  return {
    ...compareEmbeddings(exact.vectors, fast.vectors, exact.dimension),
    sequences: sample.length,
    residues,
    float32ResiduesPerSecond: residues / exact.seconds,
    int8ResiduesPerSecond: residues / fast.seconds,
  };
}

/** Embeds a sample and measures the time. @throws DataError if a vector cannot be searched */
async function embedTimed(embedder: Embedder, sample: readonly Sample[]) {
  const { dimension, attributes } = embedder;
  try {
    const startedMs = performance.now();
    const vectors = await embedder.embed(sample.map(({ sequence }) => sequence));
    const seconds = (performance.now() - startedMs) / 1000;
    const bad = findBadEmbedding(vectors, sample.length, dimension);
    if (bad) throw badVector(describeBadEmbedding(bad, sample[bad.row]!.where, attributes.precision));
    return { vectors, dimension, seconds };
  } finally {
    await embedder.close();
  }
}

interface Sample {
  sequence: string;
  /** File, record and id, for messages. */
  where: string;
}

/** Samples sequences uniformly, by reservoir sampling because their number is unknown. */
async function sampleSequences(inputs: readonly string[], limits: FastaOptions, count: number): Promise<Sample[]> {
  const sample: Sample[] = [];
  let seen = 0;
  let state = 1;
  for (const path of inputs)
    for await (const batch of readFasta(path, limits))
      for (const [row, sequence] of batch.sequences.entries()) {
        seen++;
        const named = () => ({ sequence, where: `${path}: ${describeRecord(batch, row)}` });
        if (sample.length < count) {
          sample.push(named());
          continue;
        }
        // A linear congruential generator (Numerical Recipes): the sample must be the same on every run.
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        const place = Math.floor((state / 2 ** 32) * seen);
        if (place < count) sample[place] = named();
      }
  return sample;
}
