import { describe, expect, it } from 'vitest';
import { alignmentEvalue, bitScore } from '../../../workers/src/align/local/statistics.ts';

describe('statistics of alignments', () => {
  it('has the bit scores of BLAST', () => {
    // Scores and bits of BLASTP's reports with BLOSUM62, 11 and 1.
    expect(bitScore(100)).toBeCloseTo(43.1, 1);
    expect(bitScore(40)).toBeCloseTo(20.0, 1);
    expect(bitScore(2000)).toBeCloseTo(775, 0);
  });

  it('is K m n exp(-lambda S)', () => {
    for (const score of [10, 50, 300])
      expect(alignmentEvalue(bitScore(score), 350, 7e6) / (0.041 * 350 * 7e6 * Math.exp(-0.267 * score))).toBeCloseTo(
        1,
        9,
      );
  });

  it('grows with the database and falls by half with each bit', () => {
    expect(alignmentEvalue(50, 100, 2e9)).toBe(2 * alignmentEvalue(50, 100, 1e9));
    expect(alignmentEvalue(51, 100, 1e9)).toBe(alignmentEvalue(50, 100, 1e9) / 2);
    expect(alignmentEvalue(bitScore(30_000), 40_000, 1e12)).toBe(0);
  });
});
