import type { ExtraField } from '../../../hits/extra-column.ts';
import { createTargetsFasta, fastaWarnings } from '../../../hits/output/targets-fasta.ts';
import type { TextCompression } from '../../../hits/output/text-file.ts';
import type { Answer } from './answer-text.ts';

/**
 * Writes the targets of neighbours as FASTA, each id once.
 * @param answer with the extra column `sequence`, and `description` where there is one
 * @param folder existing, for temporary files
 * @returns the byte count
 */
export async function writeTargets(
  path: string,
  compression: TextCompression,
  { neighbours, extra = [] }: Answer,
  folder: string,
  warn: (message: string) => void,
): Promise<number> {
  const fasta = createTargetsFasta(path, compression, folder);
  const place = (name: string) => extra.findIndex((field: ExtraField) => field.name === name);
  const [sequence, description] = [place('sequence'), place('description')];
  try {
    for await (const batch of neighbours)
      fasta.append(batch, { sequence: batch.extra![sequence]!, description: batch.extra![description] });
    const written = await fasta.finish();
    for (const warning of fastaWarnings(written)) warn(warning);
    return written.bytes;
  } catch (error) {
    await fasta.abandon();
    throw error;
  }
}
