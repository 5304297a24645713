import { createHash } from 'node:crypto';
import { columnFrom, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { isFile, readChecked } from '../fasta/checked-fasta.ts';
import { describeRecord, type FastaBatch } from '../fasta/fasta-batch.ts';
import type { FastaReading } from '../fasta/skipped-records.ts';
import type { FastaColumn } from '../shard/columns/keep.ts';
import { createShard } from '../shard/shard-writer.ts';
import { type BadVector, describeBadEmbedding, findBadEmbedding } from '../vectors/vector-check.ts';
import type { VectorType } from '../vectors/vector-type.ts';
import { badVector, unknownLetter } from './embed-messages.ts';
import type { Embedder } from './embedder.ts';

const BLOCK_RECORDS = 4096;
const DEFAULT_BLOCK_RESIDUES = 32_768;

interface Computed {
  vectors: Float32Array;
  batch: FastaBatch;
  /** The file of the batch. */
  path: string;
  /** Bytes of the files read for the batch. */
  bytes: number;
}

/** Called after each block, with the bytes read for it and its residues. */
export type OnBlock = (bytes: number, residues: number) => void;

/**
 * Embeds FASTA files one after another into a shard, block by block.
 * @param output name of the shard; scratch files are written beside it
 * @param temporary the path to write to: see `writeAtomically`
 * @param kept columns of the shard beside vectors and ids
 * @throws DataError if a file is not valid FASTA, an id is duplicated, the embedder refuses a letter, or a vector cannot be searched
 */
export async function embedFiles(
  inputs: readonly string[],
  embedder: Embedder,
  output: string,
  temporary: string,
  vectorType: VectorType,
  { requireRows, ...reading }: FastaReading,
  onBlock: OnBlock,
  kept: readonly FastaColumn[] = [],
): Promise<{ rows: number; residues: number }> {
  const { blockResidues = DEFAULT_BLOCK_RESIDUES, trailingStop = 'drop' } = embedder;
  const descriptions = kept.includes('description');
  const limits = { ...reading, descriptions, records: BLOCK_RECORDS, residues: blockResidues, trailingStop };
  let residues = 0;
  const texts = kept.map((name) => ({ name, type: 'utf8' as const }));
  const shard = await createShard(temporary, embedder.dimension, vectorType, texts);
  const { dimension, attributes } = embedder;
  const describe = (bad: BadVector, batch: FastaBatch, path: string) =>
    describeBadEmbedding(bad, `${path}: ${describeRecord(batch, bad.row)}`, attributes.precision);
  const compute = async (batch: FastaBatch, bytes: number, path: string): Promise<Computed> => {
    const vectors = await embedder.embed(batch.sequences);
    const bad = findBadEmbedding(vectors, batch.sequences.length, dimension);
    if (bad) throw badVector(describe(bad, batch, path));
    return { vectors, batch, bytes, path };
  };
  const write = ({ vectors, batch, bytes, path }: Computed) => {
    shard.append(vectors, batch.ids, {
      describe: (bad) => describe(bad, batch, path),
      kept: kept.map((name) => columnOf(batch, name)),
    });
    residues += batch.residues;
    onBlock(bytes, batch.residues);
  };
  // While a block is computed, the previous one is written and the next one is read.
  let computing: Promise<Computed> | undefined;
  try {
    await readChecked(inputs, limits, output, async (batch, bytes, path) => {
      requireKnownLetters(embedder, path, batch);
      const previous = await computing;
      computing = compute(batch, bytes, path);
      computing.catch(() => {}); // awaited with the next block
      if (previous) write(previous);
    });
    if (computing) write(await computing);
    requireRows?.(shard.rows);
    shard.finish(attributes);
  } catch (error) {
    await computing?.catch(() => {}); // the first error is the one to report
    await shard.abandon();
    throw error;
  }
  return { rows: shard.rows, residues };
}

/** Returns a column of the shard. */
function columnOf({ descriptions, sequences }: FastaBatch, name: FastaColumn): Utf8Column {
  return name === 'description' ? descriptions! : columnFrom(sequences);
}

/** The amount of work, and the identity of the sequences. */
export interface Survey {
  residues: number;
  /** SHA-256 over the sequences in their order. */
  hash: string;
}

/**
 * Reads all files once, so that an error in the last record is reported before the first is embedded.
 * @returns undefined if an input is a pipe, which can be read only once
 * @throws the errors of `embedFiles`
 */
export async function surveyFiles(
  inputs: readonly string[],
  embedder: Embedder,
  output: string,
  { allowNucleotide, onSkipped }: FastaReading,
): Promise<Survey | undefined> {
  for (const path of inputs) if (!(await isFile(path))) return undefined;
  let residues = 0;
  const hash = createHash('sha256');
  const limits = { records: BLOCK_RECORDS, residues: 1 << 20, trailingStop: embedder.trailingStop ?? 'drop' };
  await readChecked(inputs, { ...limits, allowNucleotide, onSkipped }, output, async (batch, _bytes, path) => {
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
    throw unknownLetter(`${path}: ${describeRecord(batch, row)}`, sequence[at]!, at + 1);
  }
}
