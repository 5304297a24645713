import { CONSERVATION, RESIDUE_MODES, RESIDUES } from './kmer-modes.ts';

/** Constants of the `kmer` embedder, made once from the modes; what they mean is said in kmer.ts. */
export const KMER_DIMENSION = 960;

export const PAIR_DISTANCES = 6;
export const PAIR_MODES = 12;
export const PLACE_MODES = 15;
export const PLACE_WINDOWS = 24;
const FIRST_WINDOW_RESIDUES = 12;
const WINDOW_GROWTH = 1.1;
/** Weight of the places; the pairs have 1. More finds more distant whole proteins and fewer fragments. */
export const PLACE_WEIGHT = 0.75;

export const RESIDUE_COUNT = RESIDUES.length;
/** The residues, and one class for everything else (X, '*'), which counts as nothing. */
export const CLASSES = RESIDUE_COUNT + 1;
/** Gaps of an alignment are left out: aligned and unaligned FASTA give the same vector. */
export const GAP = 255;

export const CLASS_OF_LETTER = letterClasses();
// Modes that evolution keeps better weigh more: by conservation^(3/4) in a pair, by conservation in a place.
export const PAIR_TABLE = modeTable(PAIR_MODES, (kept) => Math.sqrt(kept * Math.sqrt(kept)));
export const PLACE_TABLE = modeTable(PLACE_MODES, (kept) => kept);
export const PLACES = placeWindows();
export const PAIR_COMPONENTS = shuffledComponents(PAIR_DISTANCES * PAIR_MODES * PAIR_MODES, 0x2545f491);
export const PLACE_COMPONENTS = shuffledComponents(2 * PLACE_WINDOWS * PLACE_MODES, 0x9e3779b9);

function letterClasses(): Uint8Array {
  const classes = new Uint8Array(128).fill(RESIDUE_COUNT);
  for (const [residue, letter] of [...RESIDUES].entries()) classes[letter.charCodeAt(0)] = residue;
  // Codes for one of two residues count as the commoner one; rare residues as the one that they are made from.
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

/** For each place from an end: the window whose middle is before it, and the share of the next window. */
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

/** The component of each feature: all different, in a shuffled order, so that every stretch of components carries as much. */
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
