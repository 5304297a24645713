import type { Residues } from '../../workers/src/align/local/residues.ts';

/** Draws a sequence, as codes, from frequencies of residues in the order of the codes. */
export function drawResidues(frequencies: Float64Array, length: number, random: () => number): Residues {
  let sum = 0;
  const upTo = frequencies.map((share) => (sum += share));
  return Uint8Array.from({ length }, () => {
    const drawn = random() * sum;
    const code = upTo.findIndex((limit) => drawn < limit);
    return code < 0 ? frequencies.length - 1 : code;
  });
}

const STEPS = 60;

/**
 * Fits lambda and K of P(score >= x) = 1 - exp(-K x area x exp(-lambda x)) to scores, by maximum likelihood.
 * @param area product of the lengths of the two sequences
 */
export function fitScores(scores: readonly number[], area: number): { lambda: number; k: number } {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  let [low, high] = [1e-3, 1];
  for (let step = 0; step < STEPS; step++) {
    const lambda = (low + high) / 2;
    let [weights, weighted] = [0, 0];
    for (const score of scores) {
      const weight = Math.exp(-lambda * (score - mean));
      weights += weight;
      weighted += weight * (score - mean);
    }
    // The derivative of the likelihood, which falls with lambda.
    if (1 / lambda + weighted / weights > 0) low = lambda;
    else high = lambda;
  }
  const lambda = low;
  const weights = scores.reduce((sum, score) => sum + Math.exp(-lambda * (score - mean)), 0);
  return { lambda, k: (Math.exp(lambda * mean) * scores.length) / (weights * area) };
}
