import { seededRandom } from '../../../workers/src/base/random.ts';

const LETTERS = 'ACDEFGHIKLMNPQRSTVWY';

/** Creates FASTA of random proteins, 80 letters each, in families of ten whose members differ in a fifth of their letters. */
export function fasta(prefix: string, count: number, seed: number): string {
  const random = seededRandom(seed);
  const letter = () => LETTERS[Math.floor(random() * LETTERS.length)]!;
  let founder = '';
  const records: string[] = [];
  for (let i = 0; i < count; i++) {
    if (i % 10 === 0) founder = Array.from({ length: 80 }, letter).join('');
    const sequence = [...founder].map((kept) => (random() < 0.2 ? letter() : kept)).join('');
    records.push(`>${prefix}${i}\n${sequence}\n`);
  }
  return records.join('');
}
