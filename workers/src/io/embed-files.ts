import { createHash } from 'node:crypto';
import type { VectorType } from '../core/shard.ts';
import type { Embedder } from '../models/embedder.ts';
import { isFile, readChecked } from './checked-fasta.ts';
import { createShard } from './hdf5/shard-writer.ts';

const BLOCK_RECORDS = 4096;
const DEFAULT_BLOCK_RESIDUES = 32_768;

/** Told after each block: bytes of the files that were read for it, and its residues. */
export type OnBlock = (bytes: number, residues: number) => void;

/**
 * Embeds FASTA files one after another into a shard, block by block.
 * @param output the shard's name; scratch files lie beside it
 * @param temporary where the shard is written: see `writeAtomically`
 * @throws DataError where a file is not proper FASTA, or an id occurs twice in them
 */
export async function embedFiles(
  inputs: readonly string[],
  embedder: Embedder,
  output: string,
  temporary: string,
  vectorType: VectorType,
  onBlock: OnBlock,
): Promise<{ rows: number; residues: number }> {
  const limits = { records: BLOCK_RECORDS, residues: embedder.blockResidues ?? DEFAULT_BLOCK_RESIDUES };
  let residues = 0;
  const shard = await createShard(temporary, embedder.dimension, vectorType);
  try {
    await readChecked(inputs, limits, output, async (batch, bytes) => {
      shard.append(await embedder.embed(batch.sequences), batch.ids);
      residues += batch.residues;
      onBlock(bytes, batch.residues);
    });
    shard.finish(embedder.attributes);
  } catch (error) {
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
export async function surveyFiles(inputs: readonly string[], output: string): Promise<Survey | undefined> {
  for (const path of inputs) if (!(await isFile(path))) return undefined;
  let residues = 0;
  const hash = createHash('sha256');
  await readChecked(inputs, { records: BLOCK_RECORDS, residues: 1 << 20 }, output, async (batch) => {
    residues += batch.residues;
    hash.update(`${batch.sequences.join('\n')}\n`);
  });
  return { residues, hash: hash.digest('hex') };
}
