import { randomRows } from './shards.ts';

/**
 * `alike`: nearly identical and far from the origin. `lengths`: from 1e-4 to 1e4. `offset`: with a mean in common. `copies`:
 * every fourth row equals the first. `spikes`: a few components have nearly all of the length. `short`: products vanish beside 1.
 * `tiny`, `huge`: at the limits of float32.
 */
export const KINDS = ['normal', 'alike', 'lengths', 'offset', 'copies', 'spikes', 'short', 'tiny', 'huge'] as const;

/** Returns vectors of a kind: [rows, dimension]. */
export function kindOfRows(
  kind: (typeof KINDS)[number],
  seed: number,
  rows: number,
  dimension: number,
  unit = false,
): Float32Array {
  const { vectors: normal } = randomRows(seed, rows, dimension);
  const made = normal.map((x, i) => {
    const row = Math.floor(i / dimension);
    if (kind === 'alike') return 5 + x * 1e-3;
    if (kind === 'lengths') return x * 10 ** ((row % 9) - 4);
    if (kind === 'offset') return x + ((i % dimension) % 7);
    if (kind === 'copies') return row % 4 === 0 ? normal[i % dimension]! : x;
    if (kind === 'spikes') return (i % dimension) % 97 === row % 3 ? x * 1e4 : x;
    if (kind === 'short') return x * 1e-5;
    if (kind === 'tiny') return x * 1e-18;
    return kind === 'huge' ? x * 1e16 : x;
  });
  if (unit)
    for (let row = 0; row < rows; row++) {
      const own = rowOf(made, row, dimension);
      const length = Math.sqrt(own.reduce((sum, x) => sum + x * x, 0));
      for (let i = 0; i < dimension; i++) own[i]! /= length;
    }
  return made;
}

export function rowOf(vectors: Float32Array, row: number, dimension: number): Float32Array {
  return vectors.subarray(row * dimension, (row + 1) * dimension);
}
