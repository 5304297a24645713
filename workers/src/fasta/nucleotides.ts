/** How much of a batch is examined: first letters of its first records. */
const MAX_RECORDS = 16;
const MAX_LETTERS = 256;
/** Fewer letters are no evidence. */
const MIN_LETTERS = 40;
/** Least share of A, C, G, and T or U among the letters other than N and X. Of real proteins, they are a quarter. */
const MIN_SHARE = 0.9;
/** Least share of each of the four: genomes have them all, and a repetitive protein of two letters does not. */
const MIN_EACH = 0.03;
const A = 'A'.charCodeAt(0);

/**
 * Estimates from a sample of a batch of sequences, in upper case, whether they are nucleotides.
 * @returns the share of A, C, G, T and U among the letters of the sample; undefined for proteins
 */
export function findNucleotides(sequences: readonly string[]): number | undefined {
  const counts = new Uint32Array(26);
  let letters = 0;
  for (const sequence of sequences.slice(0, MAX_RECORDS)) {
    for (let at = 0; at < sequence.length && at < MAX_LETTERS; at++) {
      const letter = sequence.charCodeAt(at) - A;
      if (letter < 0) continue;
      counts[letter]!++;
      letters++;
    }
  }
  const count = (letter: string) => counts[letter.charCodeAt(0) - A]!;
  const four = [count('A'), count('C'), count('G'), count('T') + count('U')];
  const known = letters - count('N') - count('X');
  const share = four.reduce((sum, each) => sum + each, 0) / known;
  const isNucleotides = known >= MIN_LETTERS && share >= MIN_SHARE && Math.min(...four) / known >= MIN_EACH;
  return isNucleotides ? share : undefined;
}
