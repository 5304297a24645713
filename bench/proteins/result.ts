import type { Distances } from './distances.ts';
import type { Bin } from './metrics.ts';
import type { Cost } from './systems.ts';

/** One system's answers to a task. Times are medians over the rounds. */
export interface Row<Scores = Record<string, unknown>> {
  system: string;
  build: Cost;
  search: Cost;
  scores: Scores;
}

/** How a task was measured. */
export interface Made {
  command: string;
  machine: string;
  date: string;
}

export interface TaskResult<Scores = Record<string, unknown>> {
  queries: number;
  targets: number;
  rounds: number;
  sizes: Record<string, number>;
  rows: Row<Scores>[];
}

export interface UniprotScores {
  first: number;
  /** Absent where the system reports fewer hits. */
  first10?: number;
  first100?: number;
  first300?: number;
  /** Share of the queries with a homolog, and of those without, that have a significant hit. Absent without E-values. */
  significant?: number;
  significantWithoutHomolog?: number;
  bins: Bin[];
}

/** bench/results/proteins.json: the tasks by name, each as it was measured last. */
export interface ProteinsResult {
  uniprot: TaskResult<UniprotScores> & Made & { distances: Distances };
  shuffled: TaskResult<{ significant?: number }> & Made;
  pfam: TaskResult<{ sensitivity: number; families: Record<string, number> }> & Made;
  orthologs: TaskResult<{ sameEc: number; sameGene: number }> & Made;
}
