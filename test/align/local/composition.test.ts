import { describe, expect, it } from 'vitest';
import { compositionOf, relativeLambda } from '../../../workers/src/align/local/composition.ts';
import { encodeResidues, MATRIX_COLUMNS, SCORES } from '../../../workers/src/align/local/residues.ts';
import { seededRandom } from '../../../workers/src/base/random.ts';

const LETTERS = 'ARNDCQEGHILKMFPSTWYV';
const codes = (text: string) => encodeResidues(Buffer.from(text));
/** NCBI's lambda of ungapped alignments with BLOSUM62. */
const UNGAPPED = 0.3176;

/** Returns the sum of share x exp(lambda x score) over all pairs of residues. */
function sumOf(a: Float64Array, b: Float64Array, lambda: number): number {
  let sum = 0;
  for (const [i, p] of a.entries())
    for (const [j, q] of b.entries()) sum += p * q * Math.exp(lambda * SCORES[i * MATRIX_COLUMNS + j]!);
  return sum;
}

describe('composition', () => {
  it('has frequencies near those counted, and those of proteins without residues', () => {
    const none = compositionOf(codes(''));
    expect(none.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    // Leucine is the most frequent residue, tryptophan the rarest.
    expect([Math.max(...none), Math.min(...none)]).toEqual([none[LETTERS.indexOf('L')], none[LETTERS.indexOf('W')]]);
    expect(compositionOf(codes('W'.repeat(10_000)))[LETTERS.indexOf('W')]).toBeCloseTo(0.99, 2);
    // Selenocysteine scores as cysteine; other letters say nothing.
    expect(compositionOf(codes('UUU'))).toEqual(compositionOf(codes('CCC')));
    expect(compositionOf(codes('BZXJO*'))).toEqual(none);
  });
});

describe('relativeLambda', () => {
  it('is 1 for average proteins, whose lambda is the one of NCBI', () => {
    const average = compositionOf(codes(''));
    expect(relativeLambda(average, average)).toBeCloseTo(1, 6);
    expect(sumOf(average, average, UNGAPPED)).toBeCloseTo(1, 3);
  });

  it('solves the equation of Karlin and Altschul', () => {
    const random = seededRandom(4);
    const draw = (kinds: number) =>
      compositionOf(codes(Array.from({ length: 300 }, () => LETTERS[Math.floor(random() * kinds)]).join('')));
    for (const kinds of [4, 8, 12, 20]) {
      const [a, b] = [draw(kinds), draw(kinds)];
      const relative = relativeLambda(a, b);
      expect(relative).toBeCloseTo(relativeLambda(b, a), 10);
      if (relative < 1) expect(sumOf(a, b, relative * UNGAPPED)).toBeCloseTo(1, 3);
      else expect(sumOf(a, b, UNGAPPED)).toBeLessThan(1.001);
    }
  });

  it('falls with what two sequences have in common, to 0 where random pairs do not score below zero', () => {
    const average = compositionOf(codes(''));
    const of = (length: number) => compositionOf(codes('S'.repeat(length)));
    const relatives = [0, 20, 50, 100, 200].map((length) => relativeLambda(of(length), of(length)));
    expect(relatives).toEqual(relatives.toSorted((a, b) => b - a));
    expect(relatives.at(-1)).toBe(0);
    expect(relativeLambda(of(200), average)).toBeGreaterThan(0.8);
  });
});
