import type { Tokenizer } from './tokenizers/tokenizer.ts';

/**
 * Strategies that pool the hidden states of a sequence into one vector: the mean over its residues, the mean over all its tokens, or the
 * state of the first token.
 */
export const POOLINGS = ['mean', 'mean-special', 'cls'] as const;
export type Pooling = (typeof POOLINGS)[number];

/** Residues [start, end) of a sequence. */
export interface ResidueRange {
  start: number;
  end: number;
}

/**
 * Covers a sequence with evenly spaced windows of at most `size` residues that overlap by at least `overlap`. All have the same length.
 */
export function planWindows(residues: number, size: number, overlap: number): ResidueRange[] {
  if (residues <= size) return [{ start: 0, end: residues }];
  const count = Math.ceil((residues - overlap) / (size - overlap));
  return Array.from({ length: count }, (_, i) => {
    const start = Math.round((i * (residues - size)) / (count - 1));
    return { start, end: start + size };
  });
}

/**
 * Computes the weight of each token of each window: the weighted sum over all windows is the vector of the sequence. A residue in
 * several windows has its weight divided among them, as do the prefix and suffix tokens, which every window repeats.
 * @returns one array per window: prefix, residues, suffix
 */
export function poolingWeights(
  pooling: Pooling,
  windows: readonly ResidueRange[],
  { prefix, suffix }: Pick<Tokenizer, 'prefix' | 'suffix'>,
): Float32Array[] {
  const residues = windows.at(-1)!.end;
  const covered = new Uint32Array(residues);
  for (const { start, end } of windows) for (let i = start; i < end; i++) covered[i]!++;
  const special = prefix.length + suffix.length;
  const residueShare = pooling === 'cls' ? 0 : 1 / (residues + (pooling === 'mean-special' ? special : 0));
  const specialShare = pooling === 'mean-special' ? residueShare / windows.length : 0;
  return windows.map(({ start, end }) => {
    const weights = new Float32Array(special + end - start).fill(specialShare);
    for (let i = start; i < end; i++) weights[prefix.length + i - start] = residueShare / covered[i]!;
    if (pooling === 'cls') weights[0] = 1 / windows.length;
    return weights;
  });
}
