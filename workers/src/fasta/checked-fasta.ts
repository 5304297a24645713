import { stat } from 'node:fs/promises';
import { columnBytes, columnLength } from '../base/bytes/utf8-column.ts';
import { DataError } from '../base/errors.ts';
import { quoteId } from '../base/text/quote.ts';
import { withDuplicateIds } from '../ids/duplicate-ids.ts';
import type { Duplicate } from '../ids/id-table.ts';
import { readFasta } from './fasta.ts';
import type { FastaBatch, FastaOptions } from './fasta-parser.ts';
import { STANDARD_INPUT } from './standard-input.ts';

/** Whether an input can be read twice: pipes and standard input cannot. */
export async function isFile(path: string): Promise<boolean> {
  return path !== STANDARD_INPUT && (await stat(path)).isFile();
}

/**
 * Reads FASTA files batch by batch and looks for ids that occur twice in them.
 * @param output the name of what is made of them: scratch files lie beside it
 * @throws DataError where a file is not proper FASTA, or an id occurs twice
 */
export async function readChecked(
  inputs: readonly string[],
  limits: FastaOptions,
  output: string,
  use: (batch: FastaBatch, bytes: number, path: string) => Promise<void>,
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
        await use(batch, bytes, path);
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
  for await (const { ids, firstRecord } of readFasta(path, { records: 4096, residues: 1 << 20 }))
    if (record < firstRecord + columnLength(ids)) return quoteId(columnBytes(ids, record - firstRecord));
  throw new DataError(`${path}: was changed while it was read. Run the same command again.`);
}
