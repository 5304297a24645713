const LETTERS = 'ACDEFGHIKLMNPQRSTVWY';

/** Numbers in [0, 1) from a seed (mulberry32): the same on every machine. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A FASTA text of made-up proteins, 80 letters each, in families of ten whose members differ in a fifth of their letters. */
export function fasta(prefix: string, count: number, seed: number): string {
  const random = randomFrom(seed);
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
