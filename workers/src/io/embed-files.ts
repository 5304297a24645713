import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Duplicate } from '../core/duplicate-ids.ts';
import { type BatchLimits, type FastaBatch, showId } from '../core/fasta-parser.ts';
import type { VectorType } from '../core/shard.ts';
import { columnBytes, columnLength } from '../core/utf8-column.ts';
import { DataError } from '../errors.ts';
import type { Embedder } from '../models/embedder.ts';
import { withDuplicateIds } from './duplicate-ids.ts';
import { readFasta } from './fasta.ts';
import { createShard } from './hdf5/shard-writer.ts';
import { STANDARD_INPUT } from './standard-input.ts';

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

/** Whether an input can be read twice: pipes and standard input cannot. */
async function isFile(path: string): Promise<boolean> {
  return path !== STANDARD_INPUT && (await stat(path)).isFile();
}

/** Reads files batch by batch and looks for ids that occur twice. */
async function readChecked(
  inputs: readonly string[],
  limits: BatchLimits,
  output: string,
  use: (batch: FastaBatch, bytes: number) => Promise<void>,
): Promise<void> {
  await withDuplicateIds(output, async (seen) => {
    for (const [source, path] of inputs.entries()) {
      let bytesRead = 0;
      const countBytes = (bytes: number) => {
        bytesRead += bytes;
      };
      for await (const batch of readFasta(path, limits, countBytes)) {
        const duplicate = seen.add(batch.ids, source, batch.firstRecord);
        if (duplicate) throw await duplicateError(inputs, duplicate);
        const bytes = bytesRead;
        bytesRead = 0;
        await use(batch, bytes);
      }
    }
    const duplicate = await seen.finish();
    if (duplicate) throw await duplicateError(inputs, duplicate);
  });
}

async function duplicateError(inputs: readonly string[], { first, second }: Duplicate): Promise<DataError> {
  const path = inputs[second.source]!;
  const id = (await isFile(path)) ? `the id ${await readId(path, second.row)}` : 'its id';
  const where = `record ${first.row} of ${inputs[first.source]}`;
  return new DataError(
    `${path}: record ${second.row}: ${id} is also that of ${where}. Every id must occur once: rename one, or remove it.`,
  );
}

/** Only the hashes of ids were kept, so the file is read again up to the record; a pipe cannot be. */
async function readId(path: string, record: number): Promise<string> {
  for await (const { ids, firstRecord } of readFasta(path, { records: BLOCK_RECORDS, residues: 1 << 20 }))
    if (record < firstRecord + columnLength(ids)) return showId(columnBytes(ids, record - firstRecord));
  throw new DataError(`${path}: was changed while it was read. Run the same command again.`);
}
