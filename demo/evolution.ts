import type { Random } from './random.ts';

/** One-letter codes; a residue is an index into them. */
export const LETTERS = 'ARNDCQEGHILKMFPSTWYV';

/** Composition of Swiss-Prot, percent, in the order of LETTERS. */
const BACKGROUND_PERCENT = [
  8.25, 5.53, 4.06, 5.46, 1.38, 3.93, 6.72, 7.07, 2.27, 5.91, 9.65, 5.8, 2.41, 3.86, 4.74, 6.65, 5.36, 1.1, 2.92, 6.86,
];

/**
 * How readily one residue replaces another: log-odds in tenths of a decade, lower triangle without the
 * diagonal, in the order of LETTERS (Jones, Taylor and Thornton 1992, table I). Deliberately not the
 * matrix of the `kmer` embedder (BLOSUM62).
 */
const REPLACEMENT_SCORES = [
  [],
  [-1],
  [0, 0],
  [0, -1, 2],
  [-1, -1, -1, -3],
  [-1, 2, 0, 1, -3],
  [-1, 0, 1, 4, -4, 2],
  [1, 0, 0, 1, -1, -1, 0],
  [-2, 2, 1, 0, 0, 2, 0, -2],
  [0, -3, -2, -3, -2, -3, -3, -3, -3],
  [-1, -3, -3, -4, -3, -2, -4, -4, -2, 2],
  [-1, 4, 1, 0, -3, 2, 1, -1, 1, -3, -3],
  [-1, -2, -2, -3, -2, -2, -3, -3, -2, 3, 3, -2],
  [-3, -4, -3, -5, 0, -4, -5, -5, 0, 0, 2, -5, 0],
  [1, -1, -1, -2, -2, 0, -2, -1, 0, -2, 0, -2, -2, -3],
  [1, -1, 1, 0, 1, -1, -1, 1, -1, -1, -2, -1, -1, -2, 1],
  [2, -1, 1, -1, -1, -1, -1, -1, -1, 1, -1, -1, 0, -2, 1, 1],
  [-4, 0, -5, -5, 1, -3, -5, -2, -3, -4, -2, -3, -3, -1, -4, -3, -4],
  [-3, -2, -1, -2, 2, -2, -4, -4, 4, -2, -1, -3, -2, 5, -3, -1, -3, 0],
  [1, -3, -2, -2, -2, -3, -2, -2, -3, 4, 2, -3, 2, 0, -1, -1, 0, -3, -3],
];
/** 10^(score/10) for scores -5 to 5, as constants, because powers differ in their last bit between machines. */
const ODDS = [0.3162, 0.3981, 0.5012, 0.631, 0.7943, 1, 1.2589, 1.5849, 1.9953, 2.5119, 3.1623];

const DRAW_BACKGROUND = cumulative(BACKGROUND_PERCENT);
const DRAW_REPLACEMENT = [...LETTERS].map((_, from) =>
  cumulative(
    BACKGROUND_PERCENT.map((percent, to) => {
      if (to === from) return 0;
      const score = REPLACEMENT_SCORES[Math.max(from, to)]![Math.min(from, to)]!;
      return percent * ODDS[score + 5]!;
    }),
  ),
);

function cumulative(weights: readonly number[]): number[] {
  let sum = 0;
  return weights.map((weight) => {
    sum += weight;
    return sum;
  });
}

function draw(sums: readonly number[], random: Random): number {
  const at = random.next() * sums[sums.length - 1]!;
  return sums.findIndex((sum) => at < sum);
}

/** Draws residues from the background composition. */
export function randomResidues(length: number, random: Random): Uint8Array {
  return Uint8Array.from({ length }, () => draw(DRAW_BACKGROUND, random));
}

/** An ancestor: its residues, and the relative rate of change of each site, in (0, 1]. */
export interface Ancestor {
  residues: Uint8Array;
  variability: Float64Array;
}

/** Makes a random ancestor: conserved stretches alternate with variable ones, as in real families. */
export function randomAncestor(length: number, random: Random): Ancestor {
  const variability = new Float64Array(length);
  for (let site = 0; site < length; ) {
    const end = Math.min(length, site + 4 + random.below(16));
    const stretch = random.between(0.3, 1);
    for (; site < end; site++) variability[site] = Math.max(0.05, stretch * random.next());
  }
  return { residues: randomResidues(length, random), variability };
}

/** The similarity of a descendant to its ancestor. */
export interface Descent {
  /** Share of the aligned sites that are identical to the ancestor's: at least `low`, less than `high`. */
  identity: readonly [low: number, high: number];
  /** Insertions and deletions for each site of the ancestor. */
  indelsPerSite: number;
  /** Share of the ancestor that a fragment covers; 1 for a whole protein. */
  coverage: number;
}

export interface Descendant {
  residues: Uint8Array;
  /** Identical sites over aligned sites, inside the requested bounds. */
  identity: number;
}

const MEAN_INDEL_RESIDUES = 2.5;
const MAX_INDEL_RESIDUES = 20;

/** Makes a descendant: cuts a fragment, inserts and deletes, then replaces exactly the number of sites that the identity requires. */
export function descend(ancestor: Ancestor, descent: Descent, random: Random): Descendant {
  const length = ancestor.residues.length;
  const covered = Math.max(1, Math.round(length * descent.coverage));
  const start = random.below(length - covered + 1);
  // Sites of the ancestor in the descendant's order; -1 is an inserted residue.
  const sites: number[] = [];
  for (let site = start; site < start + covered; ) {
    if (random.chance(descent.indelsPerSite * 2 * ancestor.variability[site]!)) {
      const residues = indelLength(random);
      if (random.chance(0.5)) site += residues;
      else for (let i = 0; i < residues; i++) sites.push(-1);
    }
    if (site < start + covered) sites.push(site++);
  }
  const residues = Uint8Array.from(sites, (site) =>
    site < 0 ? draw(DRAW_BACKGROUND, random) : ancestor.residues[site]!,
  );
  const aligned = [...sites.keys()].filter((at) => sites[at]! >= 0);
  const kept = countToKeep(aligned.length, descent.identity, random);
  const changed = new Uint8Array(residues.length);
  for (let replaced = 0; replaced < aligned.length - kept; ) {
    const at = aligned[random.below(aligned.length)]!;
    if (changed[at] || !random.chance(ancestor.variability[sites[at]!]!)) continue;
    changed[at] = 1;
    residues[at] = draw(DRAW_REPLACEMENT[residues[at]!]!, random);
    replaced++;
  }
  return { residues, identity: kept / aligned.length };
}

function indelLength(random: Random): number {
  let length = 1;
  while (length < MAX_INDEL_RESIDUES && random.chance(1 - 1 / MEAN_INDEL_RESIDUES)) length++;
  return length;
}

function countToKeep(aligned: number, [low, high]: Descent['identity'], random: Random): number {
  const fewest = Math.ceil(low * aligned);
  const most = Math.max(fewest, Math.ceil(high * aligned) - 1);
  return fewest + random.below(most - fewest + 1);
}

export function toText(residues: Uint8Array): string {
  return Array.from(residues, (residue) => LETTERS[residue]).join('');
}
