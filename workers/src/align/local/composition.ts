import { MATRIX_COLUMNS, SCORES } from './residues.ts';

/** Codes of the residues that are counted: the twenty first, in the order of the matrix. Selenocysteine counts as the C that it is scored as. */
const COUNTED = 20;
const SELENOCYSTEINE = { code: 25, as: 4 };

/** Frequencies of residues in proteins, in the order ARNDCQEGHILKMFPSTWYV, by Robinson and Robinson as in NCBI's BLAST (blast_stat.c). */
const BACKGROUND = normalized([
  78.05, 51.29, 44.87, 53.64, 19.25, 42.64, 62.95, 73.77, 21.99, 51.42, 90.19, 57.44, 22.43, 38.56, 52.03, 71.2, 58.41,
  13.3, 32.16, 64.41,
]);
/** Residues of the background that are added to a sequence: few residues say little about what they are drawn from. */
const PRIOR_RESIDUES = 100;

const [LOWEST, HIGHEST] = [-4, 11];
/** Expected scores closer to zero than this leave no lambda to compute. */
const LEAST_DRIFT = 1e-3;
const [MOST_STEPS, TOLERANCE] = [30, 1e-6];

/** Lambda of ungapped alignments of proteins with BLOSUM62. */
const BACKGROUND_LAMBDA = findLambda(scoreShares(BACKGROUND, BACKGROUND), 1);

/**
 * Compares the scale of ungapped scores between sequences of two compositions with that between average proteins: 1 for those, less where the
 * same residues are frequent in both, and 0 where the score of a random pair is not below zero.
 * @param query @param target frequencies of `compositionOf`
 */
export function relativeLambda(query: Float64Array, target: Float64Array): number {
  return Math.min(1, findLambda(scoreShares(query, target), BACKGROUND_LAMBDA) / BACKGROUND_LAMBDA);
}

/** Returns the frequencies of residues (codes) in a sequence, drawn towards those of the background: ARNDCQEGHILKMFPSTWYV. */
export function compositionOf(residues: Uint8Array): Float64Array {
  const counts = BACKGROUND.map((share) => share * PRIOR_RESIDUES);
  for (const code of residues) {
    if (code < COUNTED) counts[code]!++;
    else if (code === SELENOCYSTEINE.code) counts[SELENOCYSTEINE.as]!++;
  }
  return normalized(counts);
}

function normalized(values: ArrayLike<number>): Float64Array {
  const frequencies = Float64Array.from(values);
  const total = frequencies.reduce((sum, value) => sum + value, 0);
  return frequencies.map((value) => value / total);
}

/** Returns the share of pairs that have each score, from LOWEST. */
function scoreShares(query: Float64Array, target: Float64Array): Float64Array {
  const shares = new Float64Array(HIGHEST - LOWEST + 1);
  for (let a = 0; a < COUNTED; a++)
    for (let b = 0; b < COUNTED; b++) shares[SCORES[a * MATRIX_COLUMNS + b]! - LOWEST]! += query[a]! * target[b]!;
  return shares;
}

/**
 * Solves sum of share x exp(lambda x score) = 1 for the positive lambda.
 * @returns at most `from`; 0 where there is none
 */
function findLambda(shares: Float64Array, from: number): number {
  const drift = shares.reduce((sum, share, i) => sum + share * (LOWEST + i), 0);
  if (drift > -LEAST_DRIFT) return 0;
  let lambda = from;
  // Newton's method. The sum is convex, so steps from above the root stay above it.
  for (let step = 0; step < MOST_STEPS; step++) {
    let [sum, slope] = [-1, 0];
    for (let i = 0; i < shares.length; i++) {
      const term = shares[i]! * Math.exp(lambda * (LOWEST + i));
      sum += term;
      slope += term * (LOWEST + i);
    }
    if (sum <= 0) return lambda;
    lambda -= sum / slope;
    if (sum / slope < TOLERANCE) return lambda;
  }
  return lambda;
}
