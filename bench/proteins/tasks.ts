import { seededRandom } from '../../workers/src/base/random.ts';
import { readBest, readExcluded } from './labels.ts';
import {
  answerable,
  bestAmongFirst,
  type Labels,
  mean,
  sameLabel,
  sensitivities,
  shareByBin,
  significantShare,
} from './metrics.ts';
import type { Rankings } from './rankings.ts';
import type { Protein } from './sequences.ts';
import { FAMILIES, type Sources } from './sources.ts';

const BACKGROUND = 3000;

/** A search whose answers are known. */
export interface Task {
  queries: readonly Protein[];
  targets: readonly Protein[];
  /** Largest E-value that MMseqs2 and DIAMOND report. */
  evalue: number;
  /** Number of aligned neighbours of a query that LanceFlow reports. */
  aligned: number;
  /** What the answers are measured by, for the result file. */
  sizes: Record<string, number>;
  /** @param kept number of hits of a query that the system reports */
  score(rankings: Rankings, kept: number): Record<string, unknown>;
}

/** The tasks by their names in `--tasks`. */
export const TASKS: Record<string, (sources: Sources) => Promise<Task>> = {
  /** UniProt queries against UniProt proteins: is the best homolog first? */
  uniprot: async (sources) => {
    const { queries, targets } = await readUniprot(sources);
    const labels = await readBest();
    const [withHomolog, without] = [true, false].map((has) =>
      queries.map(({ id }) => id).filter((id) => (labels.get(id) !== undefined) === has),
    ) as [string[], string[]];
    return {
      ...{ queries, targets, evalue: 0.001, aligned: 10 },
      sizes: { queriesWithHomolog: withHomolog.length, queriesWithoutHomolog: without.length },
      score: (rankings, kept) => ({
        first: bestAmongFirst(rankings, labels, 1),
        first10: kept < 10 ? undefined : bestAmongFirst(rankings, labels, 10),
        first100: kept < 100 ? undefined : bestAmongFirst(rankings, labels, 100),
        first300: kept < 300 ? undefined : bestAmongFirst(rankings, labels, 300),
        significant: significantShare(rankings, withHomolog),
        significantWithoutHomolog: significantShare(rankings, without),
        bins: shareByBin(rankings, labels),
      }),
    };
  },

  /** The same queries with shuffled residues, which are homologs of nothing: what is called significant? */
  shuffled: async (sources) => {
    const { queries, targets } = await readUniprot(sources);
    const shuffled = queries.map((protein, i) => ({ ...protein, sequence: shuffle(protein.sequence, i + 1) }));
    const ids = shuffled.map(({ id }) => id);
    return {
      ...{ queries: shuffled, targets, evalue: 0.01, aligned: 1, sizes: {} },
      score: (rankings) => ({ significant: significantShare(rankings, ids) }),
    };
  },

  /** Domains of families among proteins that have none of them: how many come before the first false one? */
  pfam: async (sources) => {
    const labels: Labels = new Map();
    const domains: Protein[] = [];
    for (const [family, { members }] of Object.entries(FAMILIES))
      for (const domain of await sources.read('hmmer', members)) {
        labels.set(domain.id, family);
        domains.push(domain);
      }
    const background = await readBackground(sources);
    return {
      ...{ queries: domains, targets: [...domains, ...background], evalue: 10, aligned: 100 },
      sizes: { families: Object.keys(FAMILIES).length, background: background.length },
      score: (rankings) => {
        const found = sensitivities(rankings, labels);
        const byFamily = Map.groupBy(found, ([query]) => labels.get(query)!);
        const families = [...byFamily].map(([family, each]) => [family, mean(each.map(([, share]) => share))] as const);
        return { sensitivity: mean(families.map(([, share]) => share)), families: Object.fromEntries(families) };
      },
    };
  },

  /** E. coli against two distant genera: has the first labelled neighbour the same EC number, the same gene name? */
  orthologs: async (sources) => {
    const proteins = await sources.read('prokka', 'Escherichia');
    const targets = [
      ...(await sources.read('prokka', 'Staphylococcus')),
      ...(await sources.read('prokka', 'Enterococcus')),
    ];
    const ec = { queries: labelsOf(proteins, ecNumber), targets: labelsOf(targets, ecNumber) };
    const gene = { queries: labelsOf(proteins, geneName), targets: labelsOf(targets, geneName) };
    const asked = new Set([...answerable(ec), ...answerable(gene)]);
    const queries = proteins.filter(({ id }) => asked.has(id));
    return {
      ...{ queries, targets, evalue: 10, aligned: 25 },
      sizes: { queriesWithEc: answerable(ec).length, queriesWithGene: answerable(gene).length },
      score: (rankings) => ({ sameEc: sameLabel(rankings, ec), sameGene: sameLabel(rankings, gene) }),
    };
  },
};

async function readUniprot(sources: Sources): Promise<{ queries: Protein[]; targets: Protein[] }> {
  const queries = await sources.read('mmseqs2', 'QUERY.fasta.gz');
  return { queries, targets: await sources.read('mmseqs2', 'DB.fasta.gz') };
}

/** Reads the first proteins that no family's profile finds. */
async function readBackground(sources: Sources): Promise<Protein[]> {
  const [proteins, excluded] = [await sources.read('mmseqs2', 'DB.fasta.gz'), await readExcluded()];
  return proteins.filter(({ id }) => !excluded.has(id)).slice(0, BACKGROUND);
}

function labelsOf(proteins: readonly Protein[], labelOf: (description: string) => string | undefined): Labels {
  const labels: Labels = new Map();
  for (const { id, description } of proteins) {
    const label = labelOf(description);
    if (label !== undefined) labels.set(id, label);
  }
  return labels;
}

/** Reads a complete EC number from a header of prokka's databases: `EC~~~gene~~~product`. */
export function ecNumber(description: string): string | undefined {
  return /^(\d+\.\d+\.\d+\.\d+)~~~/.exec(description)?.[1];
}

/** Reads a gene's name from such a header, without the number of a copy: `topB` of `topB_1`. */
export function geneName(description: string): string | undefined {
  return description.split('~~~')[1]?.replace(/_\d+$/, '') || undefined;
}

export function shuffle(sequence: string, seed: number): string {
  const [letters, random] = [[...sequence], seededRandom(seed)];
  for (let i = letters.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [letters[i], letters[j]] = [letters[j]!, letters[i]!];
  }
  return letters.join('');
}
