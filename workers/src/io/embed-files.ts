import { stat } from 'node:fs/promises';
import type { Duplicate } from '../core/duplicate-ids.ts';
import { showId } from '../core/fasta-parser.ts';
import { columnBytes, columnLength } from '../core/utf8-column.ts';
import { DataError } from '../errors.ts';
import type { Embedder } from '../models/embedder.ts';
import { withDuplicateIds } from './duplicate-ids.ts';
import { readFasta } from './fasta.ts';
import { createShard } from './hdf5/shard-writer.ts';

const BLOCK_RECORDS = 4096;
const DEFAULT_BLOCK_RESIDUES = 32_768;

/**
 * Embeds FASTA files one after another into a shard, block by block.
 * @param output the shard's name; scratch files lie beside it
 * @param temporary where the shard is written: see `writeAtomically`
 * @param onBytes told how many bytes of the files are done
 * @throws DataError where a file is not proper FASTA, or an id occurs twice in them
 */
export async function embedFiles(
  inputs: readonly string[],
  embedder: Embedder,
  output: string,
  temporary: string,
  onBytes: (bytes: number) => void,
): Promise<{ rows: number; residues: number }> {
  const limits = { records: BLOCK_RECORDS, residues: embedder.blockResidues ?? DEFAULT_BLOCK_RESIDUES };
  let residues = 0;
  const shard = await createShard(temporary, embedder.dimension);
  try {
    await withDuplicateIds(output, async (seen) => {
      for (const [source, path] of inputs.entries()) {
        let bytesRead = 0;
        const countBytes = (bytes: number) => {
          bytesRead += bytes;
        };
        for await (const { ids, sequences, firstRecord, residues: letters } of readFasta(path, limits, countBytes)) {
          const duplicate = seen.add(ids, source, firstRecord);
          if (duplicate) throw await duplicateError(inputs, duplicate);
          shard.append(await embedder.embed(sequences), ids);
          residues += letters;
          onBytes(bytesRead);
          bytesRead = 0;
        }
      }
      const duplicate = await seen.finish();
      if (duplicate) throw await duplicateError(inputs, duplicate);
    });
    shard.finish(embedder.attributes);
  } catch (error) {
    await shard.abandon();
    throw error;
  }
  return { rows: shard.rows, residues };
}

async function duplicateError(inputs: readonly string[], { first, second }: Duplicate): Promise<DataError> {
  const path = inputs[second.source]!;
  const id = (await stat(path)).isFile() ? `the id ${await readId(path, second.row)}` : 'its id';
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
