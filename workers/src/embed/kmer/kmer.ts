import {
  CLASS_OF_LETTER,
  CLASSES,
  GAP,
  KMER_DIMENSION,
  PAIR_COMPONENTS,
  PAIR_DISTANCES,
  PAIR_MODES,
  PAIR_TABLE,
  PLACE_COMPONENTS,
  PLACE_MODES,
  PLACE_TABLE,
  PLACE_WEIGHT,
  PLACE_WINDOWS,
  PLACES,
  RESIDUE_COUNT,
} from './kmer-tables.ts';

/** Must change whenever a vector changes: test/embed/kmer/kmer.test.ts has the digest of this version. */
export const KMER_VERSION = 'kmer-1';

/** Fills a vector with the embedding of one sequence. @param into KMER_DIMENSION components */
export type KmerEmbed = (sequence: string, into: Float32Array) => void;

/**
 * Creates the built-in embedding: composition of residues and of spaced residue pairs, without weights or training.
 *
 * - Pairs: counts of residue b following residue a at distance 1 to 6, projected on the modes of both residues (kmer-modes.ts), so
 *   that I and V are nearly equal and unrelated proteins score 0. Independent of position, so they find fragments and rearranged
 *   domains.
 * - Places: the residues at about the same distance from either end, in overlapping windows that widen away from the end. A place
 *   matches by one residue, a pair needs two: places find distant homologs with similar ends, in which few pairs are conserved.
 *
 * Both are scaled to unit length and added. The components are compressed, because each repetition in a protein adds less, and the
 * vector is scaled to unit length. Uses only +, *, / and square roots in a fixed order, so the bits are the same on every machine.
 *
 * Embeds one sequence after another; the memory grows only with the longest sequence.
 */
export function createKmerEmbed(): KmerEmbed {
  const pairCounts = new Float64Array(PAIR_DISTANCES * CLASSES * CLASSES);
  const placeCounts = new Float64Array(2 * PLACE_WINDOWS * CLASSES);
  const pairs = new Float64Array(KMER_DIMENSION);
  const places = new Float64Array(KMER_DIMENSION);
  let classes = new Uint8Array(4096);
  return (sequence, into) => {
    if (classes.length < sequence.length) classes = new Uint8Array(sequence.length * 2);
    const length = readClasses(sequence, classes);
    countPairs(classes, length, pairCounts.fill(0));
    countPlaces(classes, length, placeCounts.fill(0));
    projectPairs(pairCounts, pairs);
    projectPlaces(placeCounts, places);
    combine(pairs, places, sequence, into);
  };
}

/** @returns the count of letters other than gaps */
function readClasses(sequence: string, into: Uint8Array): number {
  let length = 0;
  for (let at = 0; at < sequence.length; at++) {
    const letterClass = CLASS_OF_LETTER[sequence.charCodeAt(at) & 127]!;
    if (letterClass !== GAP) into[length++] = letterClass;
  }
  return length;
}

function countPairs(classes: Uint8Array, length: number, counts: Float64Array): void {
  for (let distance = 1; distance <= PAIR_DISTANCES; distance++) {
    const base = (distance - 1) * CLASSES * CLASSES;
    for (let at = distance; at < length; at++) counts[base + classes[at - distance]! * CLASSES + classes[at]!]! += 1;
  }
}

/** Counts each residue in the two nearest windows from the start and from the end, weighted by the distance to their middles. */
function countPlaces(classes: Uint8Array, length: number, counts: Float64Array): void {
  const { window, share } = PLACES;
  const reach = Math.min(length, window.length);
  const fromEnd = PLACE_WINDOWS * CLASSES;
  for (let at = 0; at < reach; at++) {
    const near = window[at]! * CLASSES;
    const first = near + classes[at]!;
    const last = fromEnd + near + classes[length - 1 - at]!;
    const nextShare = share[at]!;
    counts[first]! += 1 - nextShare;
    counts[first + CLASSES]! += nextShare;
    counts[last]! += 1 - nextShare;
    counts[last + CLASSES]! += nextShare;
  }
}

const rowModes = new Float64Array(RESIDUE_COUNT * PAIR_MODES);

/** Projects the pairs of each distance on the modes of both residues: modesᵀ x (counts x modes). */
function projectPairs(counts: Float64Array, into: Float64Array): void {
  into.fill(0);
  for (let distance = 0; distance < PAIR_DISTANCES; distance++) {
    for (let first = 0; first < RESIDUE_COUNT; first++)
      timesModes(counts, (distance * CLASSES + first) * CLASSES, 1, rowModes, first * PAIR_MODES);
    for (let mode = 0; mode < PAIR_MODES; mode++) {
      timesModes(rowModes, mode, PAIR_MODES, columnModes, 0);
      const feature = (distance * PAIR_MODES + mode) * PAIR_MODES;
      for (let other = 0; other < PAIR_MODES; other++) into[PAIR_COMPONENTS[feature + other]!] = columnModes[other]!;
    }
  }
}

const columnModes = new Float64Array(PAIR_MODES);

/**
 * Computes into[at ...] = the vector of RESIDUE_COUNT numbers in `values` (from `start`, with `stride`) x PAIR_TABLE. Takes 90% of the
 * time: four sums at once stay in registers.
 */
function timesModes(values: Float64Array, start: number, stride: number, into: Float64Array, at: number): void {
  for (let mode = 0; mode < PAIR_MODES; mode += 4) {
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    for (let residue = 0, from = start, weight = mode; residue < RESIDUE_COUNT; residue++) {
      const value = values[from]!;
      sum0 += value * PAIR_TABLE[weight]!;
      sum1 += value * PAIR_TABLE[weight + 1]!;
      sum2 += value * PAIR_TABLE[weight + 2]!;
      sum3 += value * PAIR_TABLE[weight + 3]!;
      from += stride;
      weight += PAIR_MODES;
    }
    into[at + mode] = sum0;
    into[at + mode + 1] = sum1;
    into[at + mode + 2] = sum2;
    into[at + mode + 3] = sum3;
  }
}

function projectPlaces(counts: Float64Array, into: Float64Array): void {
  into.fill(0);
  for (let window = 0; window < 2 * PLACE_WINDOWS; window++) {
    const base = window * CLASSES;
    for (let residue = 0; residue < RESIDUE_COUNT; residue++) {
      const count = counts[base + residue]!;
      if (count === 0) continue;
      for (let mode = 0; mode < PLACE_MODES; mode++)
        into[PLACE_COMPONENTS[window * PLACE_MODES + mode]!]! += count * PLACE_TABLE[residue * PLACE_MODES + mode]!;
    }
  }
}

function combine(pairs: Float64Array, places: Float64Array, sequence: string, into: Float32Array): void {
  const pairScale = inverseNorm(pairs);
  const placeScale = inverseNorm(places) * PLACE_WEIGHT;
  for (let at = 0; at < KMER_DIMENSION; at++) {
    const sum = pairs[at]! * pairScale + places[at]! * placeScale;
    const size = Math.abs(sum);
    const compressed = Math.sqrt(size * Math.sqrt(size));
    pairs[at] = sum < 0 ? -compressed : compressed;
  }
  let scale = inverseNorm(pairs);
  if (scale === 0) {
    lettersOnly(sequence, pairs);
    scale = inverseNorm(pairs);
  }
  for (let at = 0; at < KMER_DIMENSION; at++) into[at] = pairs[at]! * scale;
}

/** Embeds a sequence without known residues ("X", "*") by its letters, so that no vector is zero. */
function lettersOnly(sequence: string, into: Float64Array): void {
  into.fill(0);
  into[0] = 1;
  for (let at = 0; at < sequence.length; at++) into[1 + (sequence.charCodeAt(at) & 127)] = 1;
}

/** Returns 1 / Euclidean length, or 0 if the vector is zero up to rounding. */
function inverseNorm(vector: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < vector.length; at++) sum += vector[at]! * vector[at]!;
  return sum > 1e-18 ? 1 / Math.sqrt(sum) : 0;
}
