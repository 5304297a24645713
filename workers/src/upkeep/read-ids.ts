import { columnTexts } from '../base/bytes/utf8-column.ts';
import { readText } from '../base/text/read-text.ts';
import { readFasta } from '../fasta/fasta.ts';
import { parseIdList } from '../ids/id-list.ts';

const FASTA = /\.(fa|fasta|faa)(\.(gz|zst))?$/i;
/** Of a batch. */
const LIMITS = { records: 10_000, residues: 10_000_000 };

/**
 * Reads ids: those of the records of a FASTA file, by its name, or a list.
 * @returns each id once
 * @throws DataError as `parseIdList` and `readFasta`
 */
export async function readIdFile(path: string): Promise<string[]> {
  if (!FASTA.test(path)) return parseIdList(await readText(path), path);
  const ids = new Set<string>();
  const options = { ...LIMITS, allowNucleotide: true, onSkipped: () => {} };
  for await (const batch of readFasta(path, options)) for (const id of columnTexts(batch.ids)) ids.add(id);
  return [...ids];
}
