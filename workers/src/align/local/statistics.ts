/**
 * Statistics of local alignments by Karlin and Altschul, with the parameters that NCBI's BLAST measured for BLOSUM62 with gaps of 11 and 1
 * (https://doi.org/10.1006/jmbi.1996.0004 and blast_stat.c).
 */
const LAMBDA = 0.267;
const K = 0.041;

/** Returns the bit score of a score. */
export function bitScore(score: number): number {
  return (LAMBDA * score - Math.log(K)) / Math.LN2;
}

/**
 * Parameters by `relativeLambda` of the aligned residues: sequences of similar, unusual composition reach high scores by chance, with
 * gaps even sooner than without. Fitted to scores of random sequences (`npm run bench -- composition`, docs/adr/0053); those of 1 are BLAST's.
 */
export const MEASURED: readonly (readonly [relative: number, lambda: number, k: number])[] = [
  [0, 0.0196, 9.09],
  [0.4, 0.0227, 0.015],
  [0.5, 0.031, 0.00225],
  [0.6, 0.0356, 0.000285],
  [0.7, 0.0588, 0.00017],
  [0.8, 0.1256, 0.00135],
  [0.9, 0.2056, 0.0113],
  [1, LAMBDA, K],
];

/**
 * Returns how many alignments with at least this score are expected by chance between a query and a database.
 * @param relative `relativeLambda` of the aligned residues @param queryLength in residues @param databaseResidues residues of all targets
 */
export function alignmentEvalue(
  score: number,
  relative: number,
  queryLength: number,
  databaseResidues: number,
): number {
  const at = Math.max(
    1,
    MEASURED.findIndex(([limit]) => relative <= limit),
  );
  const [[low, lowLambda, lowK], [high, highLambda, highK]] = [MEASURED[at - 1]!, MEASURED[at]!];
  const part = (relative - low) / (high - low);
  const lambda = lowLambda + part * (highLambda - lowLambda);
  const k = lowK * (highK / lowK) ** part;
  return k * queryLength * databaseResidues * Math.exp(-lambda * score);
}
