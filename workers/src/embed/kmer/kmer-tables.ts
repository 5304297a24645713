import { CONSERVATION, RESIDUE_MODES, RESIDUES } from './kmer-modes.ts';

/** Constants of the `kmer` embedder, derived from the modes; kmer.ts explains them. */
export const KMER_DIMENSION = 960;

export const PAIR_DISTANCES = 6;
export const PAIR_MODES = 12;
export const PLACE_MODES = 15;
export const PLACE_WINDOWS = 24;
const FIRST_WINDOW_RESIDUES = 12;
const WINDOW_GROWTH = 1.1;
/** Weight of the places relative to the pairs. A larger weight finds more distant full-length homologs, but fewer fragments. */
export const PLACE_WEIGHT = 0.75;

export const RESIDUE_COUNT = RESIDUES.length;
/** The residues, and one class for all other letters (X, '*'), which have no modes. */
export const CLASSES = RESIDUE_COUNT + 1;
/** Alignment gaps are skipped, so that aligned and unaligned FASTA have the same vector. */
export const GAP = 255;

export const CLASS_OF_LETTER = letterClasses();
// Modes are weighted by conservation^(3/4) in a pair, by conservation in a place.
export const PAIR_TABLE = modeTable(PAIR_MODES, (kept) => Math.sqrt(kept * Math.sqrt(kept)));
export const PLACE_TABLE = modeTable(PLACE_MODES, (kept) => kept);
export const PLACES = placeWindows();
export const PAIR_COMPONENTS = shuffledComponents(PAIR_DISTANCES * PAIR_MODES * PAIR_MODES, 0x2545f491);
export const PLACE_COMPONENTS = shuffledComponents(2 * PLACE_WINDOWS * PLACE_MODES, 0x9e3779b9);

function letterClasses(): Uint8Array {
  const classes = new Uint8Array(128).fill(RESIDUE_COUNT);
  for (const [residue, letter] of [...RESIDUES].entries()) classes[letter.charCodeAt(0)] = residue;
  // Ambiguity codes count as the more common residue; rare residues as the one from which they derive.
  for (const [letter, residue] of ['BD', 'ZE', 'JL', 'UC', 'OK'])
    classes[letter!.charCodeAt(0)] = RESIDUES.indexOf(residue!);
  for (const gap of '-.') classes[gap.charCodeAt(0)] = GAP;
  return classes;
}

function modeTable(modes: number, weight: (conservation: number) => number): Float64Array {
  const table = new Float64Array(RESIDUE_COUNT * modes);
  for (let residue = 0; residue < RESIDUE_COUNT; residue++)
    for (let mode = 0; mode < modes; mode++)
      table[residue * modes + mode] = RESIDUE_MODES[residue]![mode]! * weight(CONSERVATION[mode]!);
  return table;
}

/** For each distance from an end: the window whose middle precedes it, and the weight of the next window. */
function placeWindows(): { window: Uint8Array; share: Float64Array } {
  const middles = [0];
  let width = FIRST_WINDOW_RESIDUES;
  while (middles.length < PLACE_WINDOWS) {
    middles.push(middles.at(-1)! + width);
    width *= WINDOW_GROWTH;
  }
  const length = Math.floor(middles.at(-1)!);
  const window = new Uint8Array(length);
  const share = new Float64Array(length);
  for (let at = 0, current = 0; at < length; at++) {
    while (current + 2 < PLACE_WINDOWS && at + 0.5 >= middles[current + 1]!) current++;
    window[at] = current;
    share[at] = (at + 0.5 - middles[current]!) / (middles[current + 1]! - middles[current]!);
  }
  return { window, share };
}

/** Assigns a distinct component to each feature, shuffled, so that every range of components has equal weight. */
function shuffledComponents(features: number, seed: number): Uint16Array {
  const order = Uint16Array.from({ length: KMER_DIMENSION }, (_, component) => component);
  let state = seed | 0;
  for (let last = KMER_DIMENSION - 1; last > 0; last--) {
    // Numerical Recipes' generator; the high bits are the random ones.
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const other = Math.floor(((state >>> 0) / 2 ** 32) * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order.subarray(0, features);
}
