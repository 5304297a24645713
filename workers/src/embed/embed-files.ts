import { createHash } from 'node:crypto';
import { DataError } from '../base/errors.ts';
import { isFile, readChecked } from '../fasta/checked-fasta.ts';
import { describeRecord, type FastaBatch } from '../fasta/fasta-parser.ts';
import { createShard } from '../shard/shard-writer.ts';
import { type BadVector, describeBadEmbedding, findBadEmbedding } from '../vectors/vector-check.ts';
import type { VectorType } from '../vectors/vector-type.ts';
import type { Embedder } from './embedder.ts';

const BLOCK_RECORDS = 4096;
const DEFAULT_BLOCK_RESIDUES = 32_768;

interface Computed {
  vectors: Float32Array;
  batch: FastaBatch;
  /** The file that the batch is of. */
  path: string;
  /** Of the files, that were read for it. */
  bytes: number;
}

/** Told after each block: bytes of the files that were read for it, and its residues. */
export type OnBlock = (bytes: number, residues: number) => void;

/**
 * Embeds FASTA files one after another into a shard, block by block.
 * @param output the shard's name; scratch files lie beside it
 * @param temporary where the shard is written: see `writeAtomically`
 * @throws DataError where a file is not proper FASTA, an id occurs twice in them, the embedder refuses a letter, or
 * makes a vector that cannot be searched
 */
export async function embedFiles(
  inputs: readonly string[],
  embedder: Embedder,
  output: string,
  temporary: string,
  vectorType: VectorType,
  onBlock: OnBlock,
): Promise<{ rows: number; residues: number }> {
  const { blockResidues = DEFAULT_BLOCK_RESIDUES, trailingStop = 'drop' } = embedder;
  const limits = { records: BLOCK_RECORDS, residues: blockResidues, trailingStop };
  let residues = 0;
  const shard = await createShard(temporary, embedder.dimension, vectorType);
  const { dimension, attributes } = embedder;
  const describe = (bad: BadVector, batch: FastaBatch, path: string) =>
    describeBadEmbedding(bad, `${path}: ${describeRecord(batch, bad.row)}`, attributes.precision);
  const compute = async (batch: FastaBatch, bytes: number, path: string): Promise<Computed> => {
    const vectors = await embedder.embed(batch.sequences);
    const bad = findBadEmbedding(vectors, batch.sequences.length, dimension);
    if (bad) throw new DataError(`${describe(bad, batch, path)}.`);
    return { vectors, batch, bytes, path };
  };
  const write = ({ vectors, batch, bytes, path }: Computed) => {
    shard.append(vectors, batch.ids, (bad) => describe(bad, batch, path));
    residues += batch.residues;
    onBlock(bytes, batch.residues);
  };
  // While a block is computed, the one before it is written and the next one is read.
  let computing: Promise<Computed> | undefined;
  try {
    await readChecked(inputs, limits, output, async (batch, bytes, path) => {
      requireKnownLetters(embedder, path, batch);
      const previous = await computing;
      computing = compute(batch, bytes, path);
      computing.catch(() => {}); // told when it is waited for
      if (previous) write(previous);
    });
    if (computing) write(await computing);
    shard.finish(attributes);
  } catch (error) {
    await computing?.catch(() => {}); // the first error is the one to tell
    await shard.abandon();
    throw error;
  }
  return { rows: shard.rows, residues };
}

/** What is to be computed. */
export interface Survey {
  residues: number;
  /** SHA-256 over the sequences in their order. */
  hash: string;
}

/**
 * Reads all files once: what is wrong in the last record is told before the first is computed, and how much there
 * is to compute.
 * @returns undefined where an input is a pipe, which can be read but once
 * @throws as embedFiles
 */
export async function surveyFiles(
  inputs: readonly string[],
  embedder: Embedder,
  output: string,
): Promise<Survey | undefined> {
  for (const path of inputs) if (!(await isFile(path))) return undefined;
  let residues = 0;
  const hash = createHash('sha256');
  const limits = { records: BLOCK_RECORDS, residues: 1 << 20, trailingStop: embedder.trailingStop ?? 'drop' };
  await readChecked(inputs, limits, output, async (batch, _bytes, path) => {
    requireKnownLetters(embedder, path, batch);
    residues += batch.residues;
    hash.update(`${batch.sequences.join('\n')}\n`);
  });
  return { residues, hash: hash.digest('hex') };
}

function requireKnownLetters({ findRefused }: Embedder, path: string, batch: FastaBatch): void {
  if (!findRefused) return;
  for (const [row, sequence] of batch.sequences.entries()) {
    const at = findRefused(sequence);
    if (at < 0) continue;
    throw new DataError(
      `${path}: ${describeRecord(batch, row)}: the model does not know the letter "${sequence[at]}" at position ${at + 1} of its sequence. ` +
        'Remove the record, or leave out --unknown-letters refuse: then it becomes <unk>.',
    );
  }
}
