import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';

export interface Protein {
  id: string;
  /** What follows the id in the header. */
  description: string;
  sequence: string;
}

/** Reads a text file, decompressed if it is gzip. @returns the text, and the SHA-256 of the text in hex */
export async function readText(path: string): Promise<{ text: string; sha256: string }> {
  const stored = await readFile(path);
  const bytes = stored[0] === 0x1f && stored[1] === 0x8b ? gunzipSync(stored) : stored;
  return { text: bytes.toString('utf8'), sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Parses FASTA. Ids of UniProt (`tr|A7TBS3|A7TBS3_NEMVE`) become accessions. */
export function parseFasta(text: string): Protein[] {
  const records = `\n${text}`.split('\n>').slice(1);
  return records.map((record) => {
    const [header = '', ...lines] = record.split('\n');
    const [id = '', ...words] = header.split(' ');
    return { id: id.split('|')[1] ?? id, description: words.join(' '), sequence: lines.join('').trim() };
  });
}

/** Parses a Stockholm alignment. @returns its sequences in upper case, without gaps */
export function parseStockholm(text: string): Protein[] {
  const rows = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [id, row] = line.trim().split(/\s+/);
    if (!id || row === undefined || id.startsWith('#')) continue;
    rows.set(id, (rows.get(id) ?? '') + row.replaceAll(/[.~-]/g, '').toUpperCase());
  }
  return [...rows].map(([id, sequence]) => ({ id, description: '', sequence }));
}

/** Formats FASTA with ids alone, so that every program reports the same ids. */
export function formatFasta(proteins: readonly Protein[]): string {
  return proteins.map(({ id, sequence }) => `>${id}\n${sequence}\n`).join('');
}
