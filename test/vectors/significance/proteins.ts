import { seededRandom } from '../../../workers/src/base/random.ts';
import { BACKGROUND_PERCENT, RESIDUES } from '../../../workers/src/embed/kmer/kmer-modes.ts';

/** Proteins of a made-up world: unrelated ones, families of relatives, and the same residues in another order. */
export interface MadeProteins {
  /** The database: families and proteins without relatives. */
  targets: string[];
  /** Queries with a relative in the database. */
  relatives: string[];
  /** Queries without one. */
  strangers: string[];
  /** Shuffled sequences. */
  shuffled: string[];
}

/**
 * Makes proteins. Like real ones they differ in length and composition, and some have a stretch of low complexity.
 * @param counts of each kind @param familySize members of each family; a third of the targets are in families
 */
export function makeProteins(
  counts: { targets: number; relatives: number; strangers: number; shuffled: number },
  familySize: number,
  seed = 1,
): MadeProteins {
  const random = seededRandom(seed);
  const families = Array.from({ length: Math.ceil(counts.targets / 3 / familySize) }, () => makeProtein(random));
  const members = families.flatMap((ancestor) => Array.from({ length: familySize }, () => mutate(ancestor, random)));
  const single = Array.from({ length: counts.targets - members.length }, () => makeProtein(random));
  const targets = [...members, ...single];
  return {
    targets,
    relatives: Array.from({ length: counts.relatives }, (_, i) => mutate(families[i % families.length]!, random)),
    strangers: Array.from({ length: counts.strangers }, () => makeProtein(random)),
    shuffled: Array.from({ length: counts.shuffled }, () => shuffle(makeProtein(random), random)),
  };
}

/** Residues of which stretches of low complexity are made, as in real proteins. */
const SIMPLE = 'SGAEQPKT';

function makeProtein(random: () => number): string {
  const length = Math.floor(60 * Math.exp(2 * random()));
  const draw = drawFrom(Array.from(BACKGROUND_PERCENT, (percent) => percent * Math.exp(0.8 * (random() - 0.5))));
  const simple = random() < 0.05 ? Math.floor(random() * length) : length;
  const repeated = SIMPLE[Math.floor(random() * SIMPLE.length)]!;
  const isSimple = (at: number) => at >= simple && at < simple + 20 && random() < 0.6;
  return Array.from({ length }, (_, at) => (isSimple(at) ? repeated : RESIDUES[draw(random())]!)).join('');
}

function drawFrom(weights: readonly number[]): (share: number) => number {
  const total = weights.reduce((sum, weight) => sum + weight);
  return (share) => {
    let left = share * total;
    for (const [i, weight] of weights.entries()) {
      left -= weight;
      if (left < 0) return i;
    }
    return weights.length - 1;
  };
}

/** Replaces a third of the residues. */
function mutate(text: string, random: () => number): string {
  const draw = drawFrom(BACKGROUND_PERCENT);
  return [...text].map((residue) => (random() < 0.33 ? RESIDUES[draw(random())]! : residue)).join('');
}

function shuffle(text: string, random: () => number): string {
  const letters = [...text];
  for (let last = letters.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [letters[last], letters[other]] = [letters[other]!, letters[last]!];
  }
  return letters.join('');
}
