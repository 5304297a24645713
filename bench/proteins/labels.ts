import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The best homologs of a query: several where their scores are equal. */
export interface BestHomolog {
  targets: string[];
  /** Share of identical residues in the alignment. */
  identity: number;
  /** Share of the query or of the target that is aligned, the smaller of both. */
  coverage: number;
}

/** The best homolog of each query; undefined where none is significant. */
export type BestHomologs = Map<string, BestHomolog | undefined>;

const folder = fileURLToPath(new URL('labels/', import.meta.url));
/** Query, identity, coverage, targets, separated by tabs; - where there is none. */
export const BEST_FILE = `${folder}uniprot-best.tsv`;
/** Accessions that a family's profile finds, one a line. */
export const EXCLUDED_FILE = `${folder}background-excluded.txt`;
/** SHA-256 and name of each file of sequences, as sha256sum writes them. */
export const SOURCES_FILE = `${folder}sources.sha256`;

export function parseBest(text: string): BestHomologs {
  return new Map(
    linesOf(text).map((line) => {
      const [query = '', identity, coverage, targets = '-'] = line.split('\t');
      const best = { targets: targets.split(','), identity: Number(identity), coverage: Number(coverage) };
      return [query, targets === '-' ? undefined : best];
    }),
  );
}

export function formatBest(labels: BestHomologs): string {
  const lines = [...labels].map(([query, best]) =>
    best === undefined
      ? [query, '-', '-', '-']
      : [query, best.identity.toFixed(3), best.coverage.toFixed(3), best.targets.join()],
  );
  return lines.map((cells) => `${cells.join('\t')}\n`).join('');
}

export const readBest = async () => parseBest(await readFile(BEST_FILE, 'utf8'));

export const readExcluded = async () => new Set(linesOf(await readFile(EXCLUDED_FILE, 'utf8')));

/** Reads the SHA-256 of the sources that the labels were made from, by name. */
export async function readHashes(): Promise<Map<string, string>> {
  const lines = linesOf(await readFile(SOURCES_FILE, 'utf8'));
  return new Map(lines.map((line) => line.split('  ').reverse() as [string, string]));
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');
