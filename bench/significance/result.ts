/** A set of queries, and the share of them that have a significant neighbour. */
export interface SetShare {
  queries: number;
  share: number;
}

/** The sets of queries without relatives in the database, by what they are. */
export const STRANGERS = {
  shuffledQueries: 'shuffled proteins that are not in the database (500, twice each)',
  shuffledTargets: 'shuffled proteins of the database',
  queries: 'proteins, without the targets that MMseqs2 finds at an E-value of 10',
  targets: 'proteins of the database, without itself and those targets',
} as const;
export type StrangerSet = keyof typeof STRANGERS;

/** What was measured with one model. */
export interface ModelResult {
  command: string;
  machine: string;
  date: string;
  targets: number;
  dimension: number;
  strangers: Record<StrangerSet, SetShare>;
  /** Of the queries that have a homolog: MMseqs2, E-value below 0.001. */
  homologs: SetShare;
  /** Of ingest and index, and of measuring the null distribution, which is a part of the latter. */
  cpuSeconds: { build: number; nullDistances: number };
}

/** bench/results/significance.json: each model as it was measured last. */
export type SignificanceResult = Record<string, ModelResult>;
