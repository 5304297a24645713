import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { columnTexts } from '../base/bytes/utf8-column.ts';
import { withScratch } from '../base/files/scratch.ts';
import { readChecked } from '../fasta/checked-fasta.ts';
import type { FastaOptions } from '../fasta/fasta-batch.ts';
import type { FastaReading } from '../fasta/skipped-records.ts';

const LIMITS = { records: 4096, residues: 1 << 20 };

export interface SplitResult {
  rows: number;
  residues: number;
  parts: number;
  bytes: number;
}

interface Part {
  file: FileHandle;
  path: string;
  hash: Hash;
  residues: number;
}

/**
 * Splits FASTA files into parts with about equal residue counts, for parallel tasks: `part_00001.<content hash>.fasta`, ... in `folder`,
 * which must exist. A part ends with the record that reaches `partResidues`, so appending records to the input changes only the last
 * part. Memory: a batch of records.
 * @param onBytes receives the bytes read from the inputs
 * @throws DataError if a file is not valid FASTA, or an id is duplicated
 */
export async function splitFiles(
  inputs: readonly string[],
  folder: string,
  partResidues: number,
  { requireRows, ...reading }: FastaReading & Pick<FastaOptions, 'descriptions'>,
  onBytes: (bytes: number) => void,
): Promise<SplitResult> {
  const total = { rows: 0, residues: 0, parts: 0, bytes: 0 };
  return withScratch(folder, 'parts', async (scratch) => {
    const finished: Array<[from: string, to: string]> = [];
    let part: Part | undefined;
    const finish = async ({ file, path, hash }: Part) => {
      await file.sync();
      await file.close();
      const name = `part_${`${++total.parts}`.padStart(5, '0')}.${hash.digest('hex').slice(0, 32)}.fasta`;
      finished.push([path, join(folder, name)]);
    };
    try {
      await readChecked(
        inputs,
        { ...LIMITS, ...reading },
        join(folder, 'parts'),
        async ({ ids, sequences, residues, descriptions }, bytes) => {
          const headers = headersOf(columnTexts(ids), descriptions && columnTexts(descriptions));
          for (let row = 0; row < sequences.length; ) {
            part ??= await createPart(join(scratch, `${total.parts}`));
            const end = endOfPart(sequences, row, partResidues - part.residues);
            total.bytes += await append(part, headers, sequences, row, end);
            if (part.residues >= partResidues) {
              await finish(part);
              part = undefined;
            }
            row = end;
          }
          total.rows += sequences.length;
          total.residues += residues;
          onBytes(bytes);
        },
      );
      requireRows?.(total.rows);
      // Even inputs without sequences have a part: an empty one.
      if (total.rows === 0) part = await createPart(join(scratch, 'empty'));
      if (part) await finish(part);
      part = undefined;
    } finally {
      await part?.file.close();
    }
    for (const [from, to] of finished) await rename(from, to);
    return total;
  });
}

function headersOf(ids: readonly string[], descriptions: readonly string[] | undefined): readonly string[] {
  return descriptions ? ids.map((id, row) => (descriptions[row] ? `${id} ${descriptions[row]}` : id)) : ids;
}

async function createPart(path: string): Promise<Part> {
  return { file: await open(path, 'wx'), path, hash: createHash('sha256'), residues: 0 };
}

/** Returns the row after the one at which the sum reaches `residues`. */
function endOfPart(sequences: readonly string[], start: number, residues: number): number {
  let sum = 0;
  for (let row = start; row < sequences.length; row++) {
    sum += sequences[row]!.length;
    if (sum >= residues) return row + 1;
  }
  return sequences.length;
}

/** @returns bytes written */
async function append(
  part: Part,
  headers: readonly string[],
  sequences: readonly string[],
  start: number,
  end: number,
): Promise<number> {
  let text = '';
  for (let row = start; row < end; row++) {
    text += `>${headers[row]}\n${sequences[row]}\n`;
    part.residues += sequences[row]!.length;
  }
  const bytes = Buffer.from(text);
  part.hash.update(bytes);
  // Unlike write(), appendFile writes everything or fails.
  await part.file.appendFile(bytes);
  return bytes.length;
}
