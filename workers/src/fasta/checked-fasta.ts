import { stat } from 'node:fs/promises';
import { columnBytes, columnLength } from '../base/bytes/utf8-column.ts';
import { quoteId } from '../base/text/quote.ts';
import { withDuplicateIds } from '../ids/duplicate-ids.ts';
import type { Duplicate } from '../ids/id-table.ts';
import { readFasta } from './fasta.ts';
import type { FastaBatch, FastaOptions } from './fasta-batch.ts';
import { duplicatedRecordId, fileChanged } from './fasta-messages.ts';
import { STANDARD_INPUT } from './standard-input.ts';

/** Returns whether an input can be read twice: pipes and standard input cannot. */
export async function isFile(path: string): Promise<boolean> {
  return path !== STANDARD_INPUT && (await stat(path)).isFile();
}

/**
 * Reads FASTA files batch by batch and checks that ids are unique among them.
 * @param output the file that will be written; scratch files are written beside it
 * @throws DataError if a file is not valid FASTA, or an id is duplicated
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

async function duplicateError(inputs: readonly string[], { first, second }: Duplicate): Promise<Error> {
  const path = inputs[second.source]!;
  const id = (await isFile(path)) ? `the id ${await readId(path, second.row)}` : 'its id';
  const where = `record ${first.row} of ${inputs[first.source]}`;
  return duplicatedRecordId(path, second.row, id, where);
}

/** Reads the file again up to the record, because only hashes of ids are kept. */
async function readId(path: string, record: number): Promise<string> {
  const limits = { records: 4096, residues: 1 << 20, allowNucleotide: true, onSkipped: () => {} };
  for await (const { ids, firstRecord } of readFasta(path, limits))
    if (record < firstRecord + columnLength(ids)) return quoteId(columnBytes(ids, record - firstRecord));
  throw fileChanged(path);
}
