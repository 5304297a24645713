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
 * Returns how many alignments with at least this bit score are expected by chance between a query and a database.
 * @param queryLength in residues @param databaseResidues residues of all targets
 */
export function alignmentEvalue(bits: number, queryLength: number, databaseResidues: number): number {
  return queryLength * databaseResidues * 2 ** -bits;
}
