import { type Ancestor, descend, randomAncestor, toText } from './evolution.ts';
import { createRandom, type Random } from './random.ts';

/** Settings of the demo's proteins; the same settings make the same bytes on every machine. */
export interface ProteinSettings {
  seed: number;
  families: number;
  proteins: number;
  queries: number;
  /** Share of the proteins that each FASTA file holds; uneven, as in real data. */
  fileShares: readonly number[];
}

export const DEMO_SETTINGS: ProteinSettings = {
  seed: 20260801,
  families: 400,
  proteins: 20_000,
  queries: 200,
  fileShares: [0.2, 0.2, 0.2, 0.15, 0.15, 0.1],
};

/** Bands of the identity of a query to its family's founder, with equal numbers of queries. */
export const IDENTITY_BANDS = [
  [0.3, 0.4],
  [0.4, 0.5],
  [0.5, 0.6],
  [0.6, 0.75],
  [0.75, 0.95],
] as const;

export interface Protein {
  id: string;
  family: string;
  sequence: string;
  /** Share of the aligned sites that are identical to the family's founder. */
  identity: number;
  fragment: boolean;
}

const MEMBER_IDENTITY = [0.3, 0.95] as const;
const SMALLEST_FAMILY = 20;
const SHARED_DOMAINS = 40;
/** Share of the families whose founder has a domain in common with other families. */
const SHARED_DOMAIN_CHANCE = 0.35;
const FRAGMENT_CHANCE = 0.12;
/** Insertions and deletions a site, for each replaced site: about one in 25 residues at 30% identity. */
const INDELS_PER_REPLACEMENT = 0.06;

// Purposes of random sources: each has sources of its own.
const FOR = { sizes: 1, domain: 2, founder: 3, member: 4, order: 5, query: 6 } as const;

/** The demo's families, and any protein of them on demand. */
export interface Families {
  /** Members of each family, without the held-out queries. */
  sizes: number[];
  /** Family of each protein of the database, in the order in which they are written. */
  order: Uint16Array;
  /** The ancestor of all members, which is in no file. */
  founder(family: number): string;
  member(family: number, index: number): Protein;
  /** The held-out query `index`: each of another family while there are enough families. */
  query(index: number): Protein;
}

/** Plans the families. Holds the founders in memory, never the members. */
export function planFamilies(settings: ProteinSettings): Families {
  const { seed } = settings;
  const sizes = familySizes(settings, createRandom(seed, FOR.sizes));
  const domains = Array.from({ length: SHARED_DOMAINS }, (_, domain) => {
    const random = createRandom(seed, FOR.domain, domain);
    return randomAncestor(40 + random.below(60), random);
  });
  const founders = sizes.map((_, family) => founder(domains, createRandom(seed, FOR.founder, family)));
  const make = (family: number, id: string, identity: readonly [number, number], random: Random): Protein => {
    const fragment = random.chance(FRAGMENT_CHANCE);
    const within = identity[0] + (identity[1] - identity[0]) * random.next();
    const made = descend(
      founders[family]!,
      {
        identity: [Math.max(identity[0], within - 0.01), Math.min(identity[1], within + 0.01)],
        indelsPerSite: INDELS_PER_REPLACEMENT * (1 - within),
        coverage: fragment ? random.between(0.5, 0.9) : 1,
      },
      random,
    );
    return {
      id,
      family: familyName(family),
      sequence: toText(made.residues),
      identity: made.identity,
      fragment,
    };
  };
  const queryFamilies = shuffled(sizes.length, createRandom(seed, FOR.query));
  return {
    sizes,
    order: writingOrder(sizes, createRandom(seed, FOR.order)),
    founder: (family) => toText(founders[family]!.residues),
    member: (family, index) =>
      make(
        family,
        `${familyName(family)}_M${pad(index + 1)}`,
        MEMBER_IDENTITY,
        createRandom(seed, FOR.member, family, index),
      ),
    query: (index) =>
      make(
        queryFamilies[index % sizes.length]!,
        `Q${pad(index + 1)}`,
        IDENTITY_BANDS[index % IDENTITY_BANDS.length]!,
        createRandom(seed, FOR.query, index),
      ),
  };
}

function familyName(family: number): string {
  return `F${pad(family + 1)}`;
}

function pad(number: number): string {
  return String(number).padStart(4, '0');
}

/** Draws sizes that vary as in real families, and add up to the number of proteins. */
function familySizes({ families, proteins }: ProteinSettings, random: Random): number[] {
  const smallest = Math.min(SMALLEST_FAMILY, Math.floor(proteins / families));
  const weights = Array.from({ length: families }, () => random.next() ** 2);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const spare = proteins - smallest * families;
  const sizes = weights.map((weight) => smallest + Math.floor((spare * weight) / sum));
  for (let left = proteins - sizes.reduce((total, size) => total + size, 0); left > 0; left--)
    sizes[left % families]!++;
  return sizes;
}

/** 120 to 520 residues; some have a diverged copy of a shared domain, at most two fifths of their length. */
function founder(domains: readonly Ancestor[], random: Random): Ancestor {
  const own = randomAncestor(120 + random.below(200) + random.below(200), random);
  if (!random.chance(SHARED_DOMAIN_CHANCE)) return own;
  const domain = domains[random.below(domains.length)]!;
  const copy = descend(domain, { identity: [0.7, 0.9], indelsPerSite: 0, coverage: 1 }, random);
  const at = random.below(own.residues.length);
  return {
    residues: Uint8Array.from([...own.residues.subarray(0, at), ...copy.residues, ...own.residues.subarray(at)]),
    variability: Float64Array.from([
      ...own.variability.subarray(0, at),
      ...domain.variability,
      ...own.variability.subarray(at),
    ]),
  };
}

function shuffled(length: number, random: Random): number[] {
  const order = Array.from({ length }, (_, index) => index);
  for (let last = length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** Mixes the families over the files, so that neighbours come from every bucket. */
function writingOrder(sizes: readonly number[], random: Random): Uint16Array {
  const families = sizes.flatMap((size, family) => Array.from({ length: size }, () => family));
  return Uint16Array.from(shuffled(families.length, random), (at) => families[at]!);
}
