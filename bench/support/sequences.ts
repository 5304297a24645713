import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom } from '../../workers/src/base/random.ts';

const RESIDUES = 'ACDEFGHIKLMNPQRSTVWY';

/** Writes a FASTA file of random proteins with 100 to 600 residues, unless it exists. @returns its path */
export async function makeSequences(folder: string, count: number): Promise<string> {
  const path = join(folder, `sequences-${count}.fasta`);
  if (existsSync(path)) return path;
  const random = seededRandom(1);
  const residue = () => RESIDUES[Math.floor(random() * RESIDUES.length)]!;
  function* records() {
    for (let i = 0; i < count; i++) {
      const length = 100 + Math.floor(random() * 500);
      yield `>p${i}\n${Array.from({ length }, residue).join('')}\n`;
    }
  }
  await writeFile(path, records());
  return path;
}
