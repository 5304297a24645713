import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compositionOf, relativeLambda } from '../../../workers/src/align/local/composition.ts';
import { LocalAligner } from '../../../workers/src/align/local/local-aligner.ts';
import { encodeResidues, type Residues } from '../../../workers/src/align/local/residues.ts';
import { alignmentEvalue, bitScore, MEASURED } from '../../../workers/src/align/local/statistics.ts';
import { seededRandom } from '../../../workers/src/base/random.ts';

/** The E-value without a correction, as of average proteins. */
const plain = (score: number, queryLength: number, residues: number) => queryLength * residues * 2 ** -bitScore(score);

describe('statistics of alignments', () => {
  it('has the bit scores of BLAST', () => {
    // Scores and bits of BLASTP's reports with BLOSUM62, 11 and 1.
    expect(bitScore(100)).toBeCloseTo(43.1, 1);
    expect(bitScore(40)).toBeCloseTo(20.0, 1);
    expect(bitScore(2000)).toBeCloseTo(775, 0);
  });

  it('is K m n exp(-lambda S), with the K and lambda of BLAST for average proteins', () => {
    for (const score of [10, 50, 300]) {
      const expected = 0.041 * 350 * 7e6 * Math.exp(-0.267 * score);
      expect(alignmentEvalue(score, 1, 350, 7e6) / expected).toBeCloseTo(1, 9);
      expect(plain(score, 350, 7e6) / expected).toBeCloseTo(1, 9);
    }
    for (const [relative, lambda, k] of MEASURED)
      expect(alignmentEvalue(90, relative, 1, 1) / (k * Math.exp(-lambda * 90))).toBeCloseTo(1, 9);
  });

  it('grows with the database, and as the compositions become alike', () => {
    expect(alignmentEvalue(50, 0.9, 100, 2e9)).toBe(2 * alignmentEvalue(50, 0.9, 100, 1e9));
    expect(alignmentEvalue(30_000, 1, 40_000, 1e12)).toBe(0);
    for (const score of [60, 100, 400]) {
      const evalues = Array.from({ length: 101 }, (_, i) => alignmentEvalue(score, 1 - i / 100, 300, 1e9));
      expect(evalues).toEqual(evalues.toSorted((a, b) => a - b));
      expect(evalues.every(Number.isFinite)).toBe(true);
    }
  });
});

describe('E-values of proteins of unusual composition', () => {
  const random = seededRandom(9);
  const aligner = new LocalAligner();
  /** Residues of the 20,000 proteins that the examples are from. */
  const DATABASE = 9_055_569;

  /** Returns the least E-values of a query, corrected and not. */
  function leastEvalues(query: Residues, targets: readonly Residues[]): [corrected: number, plain: number] {
    aligner.setQuery(query);
    const pairs = aligner.align(targets).map((alignment, i) => {
      const { score, queryStart, queryEnd, targetStart, targetEnd } = alignment;
      const parts = [query.subarray(queryStart, queryEnd), targets[i]!.subarray(targetStart, targetEnd)] as const;
      const relative = relativeLambda(compositionOf(parts[0]), compositionOf(parts[1]));
      return [alignmentEvalue(score, relative, query.length, DATABASE), plain(score, query.length, DATABASE)] as const;
    });
    return [Math.min(...pairs.map(([evalue]) => evalue)), Math.min(...pairs.map(([, evalue]) => evalue))];
  }

  function shuffled(residues: Residues): Residues {
    const copy = residues.slice();
    for (let i = copy.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [copy[i], copy[j]] = [copy[j]!, copy[i]!];
    }
    return copy;
  }

  /** Proteins that shuffled ones align with best, of mmseqs2-examples. */
  async function readOdd(): Promise<Residues[]> {
    const text = await readFile(join(import.meta.dirname, 'odd-compositions.fasta'), 'utf8');
    return text
      .split('>')
      .slice(1)
      .map((record) => encodeResidues(Buffer.from(record.slice(record.indexOf('\n')))));
  }

  it('are rarely significant for shuffled proteins, and are for the proteins themselves', async () => {
    const proteins = await readOdd();
    const share = (of: readonly number[]) => of.filter((evalue) => evalue <= 0.01).length / of.length;
    const least = proteins.map((protein) => leastEvalues(shuffled(protein), proteins));
    expect(share(least.map(([corrected]) => corrected))).toBeLessThanOrEqual(0.015);
    expect(share(least.map(([, uncorrected]) => uncorrected))).toBeGreaterThan(0.3);
    const own = proteins.map((protein) => leastEvalues(protein, [protein])[0]);
    expect(share(own)).toBeGreaterThanOrEqual(0.95);
  });
});
