import type { CommandArguments } from '../../app/command.ts';
import { requireWhole } from '../../app/option-checks.ts';
import { bothCounts, lackOfRows, modelNeeded, otherVectors } from '../forecast-messages.ts';
import type { PLAN_OPTIONS } from '../plan-options.ts';
import type { BuildRequest, FastaInputs, ForecastModel, QueryRequest, VectorInputs } from '../run-request.ts';
import { countFasta } from './count-fasta.ts';
import { countShards, describeTasks } from './count-shards.ts';
import { type InputFile, listInputs } from './list-inputs.ts';

export type PlanArguments = CommandArguments<typeof PLAN_OPTIONS>;

/** Mean residues of a protein, where only the number of sequences is known: that of UniProt. */
const MEAN_RESIDUES = 350;
/** Of ids of UniProt with their database and name, and of their descriptions. */
const USUAL_ID_BYTES = 22;
const USUAL_DESCRIPTION_BYTES = 70;
const ROWS_PER_SHARD = 1_000_000;
const USUAL_DIMENSION = 960;
const COUNTS = [
  'rows',
  'residues',
  'shards',
  'dimension',
  'queryCount',
  'machines',
  'k',
  'nprobes',
  'bucketSize',
  'partResidues',
] as const;
const OPTION_OF: Partial<Record<(typeof COUNTS)[number], string>> = {
  queryCount: 'query-count',
  bucketSize: 'bucket-size',
  partResidues: 'part-residues',
};

/** Checks the counts among the options. @throws UsageError for one that is negative, fractional or beyond 2^53, or does not fit another */
export function checkCounts(args: PlanArguments): void {
  for (const name of COUNTS) {
    const value = args[name];
    if (value !== undefined) requireWhole(OPTION_OF[name] ?? name, value);
  }
  if (args.input !== undefined && (args.rows !== undefined || args.residues !== undefined))
    throw bothCounts('input', 'rows');
  if (args.queries !== undefined && args.queryCount !== undefined) throw bothCounts('queries', 'query-count');
  const { rows, residues, shards } = args;
  if (rows !== undefined && residues !== undefined && residues < rows) throw lackOfRows('residues', residues, rows);
  if (rows !== undefined && shards !== undefined && shards > rows) throw lackOfRows('rows', rows, shards);
}

/** What a run would build, apart from the settings of the tables. */
export interface ResolvedInputs {
  fasta?: FastaInputs;
  vectors?: VectorInputs;
  notes: string[];
}

/** Counts the inputs of a build: files by their headers and sizes, or the counts of the options. @returns undefined where there are none */
export async function resolveInputs(
  args: PlanArguments,
  known: { dimension: number | undefined },
): Promise<ResolvedInputs | undefined> {
  const { input, rows, residues, partResidues } = args;
  if (input !== undefined) return countFiles('input', await listInputs('input', input), partResidues);
  if (rows === undefined && residues === undefined) return undefined;
  // Sequences are embedded where a model is named, or residues are.
  if (residues !== undefined || args.model !== undefined)
    return { fasta: fastaOf(rows, residues, partResidues), notes: [] };
  const dimension = args.dimension ?? known.dimension ?? USUAL_DIMENSION;
  const shards = args.shards ?? Math.max(1, Math.round(rows! / ROWS_PER_SHARD));
  const bytes = rows! * (dimension * 4 + USUAL_ID_BYTES);
  return {
    vectors: {
      shards,
      rows: rows!,
      idBytes: USUAL_ID_BYTES,
      bytes,
      dimension,
      vectorType: 'float32',
      describeTasks: describeTasks(shards, bytes),
    },
    notes: [],
  };
}

/** Counts the queries. @returns undefined where there are none */
export async function resolveQueries(args: PlanArguments): Promise<(QueryRequest & { notes: string[] }) | undefined> {
  const { queries, queryCount, k, partResidues } = args;
  if (queries === undefined && queryCount === undefined) return undefined;
  if (queries === undefined) return { count: queryCount!, k, idBytes: USUAL_ID_BYTES, notes: [] };
  const { fasta, vectors, notes } = await countFiles('queries', await listInputs('queries', queries), partResidues);
  return {
    ...(fasta && { fasta }),
    ...{
      count: (fasta?.sequences ?? 0) + (vectors?.rows ?? 0),
      k,
      idBytes: fasta?.idBytes ?? vectors?.idBytes ?? USUAL_ID_BYTES,
      notes,
    },
  };
}

async function countFiles(option: string, files: readonly InputFile[], partResidues: number): Promise<ResolvedInputs> {
  const of = (kind: InputFile['kind']) => files.filter((file) => file.kind === kind);
  const [foreign] = of('vectors');
  if (foreign) throw otherVectors(option, foreign.path);
  const [sequences, shards] = [of('fasta'), of('shard')];
  const notes: string[] = [];
  const vectors = shards.length > 0 ? await countShards(shards) : undefined;
  if (vectors?.isSampled)
    notes.push(`the rows of ${shards.length} shards follow from their sizes: the headers of some were read`);
  return {
    ...(sequences.length > 0 && { fasta: await countFasta(sequences, partResidues) }),
    ...(vectors && { vectors }),
    notes,
  };
}

function fastaOf(rows: number | undefined, residues: number | undefined, partResidues: number): FastaInputs {
  const sequences = rows ?? Math.max(1, Math.round(residues! / MEAN_RESIDUES));
  const letters = residues ?? sequences * MEAN_RESIDUES;
  const tasks = Math.ceil(letters / partResidues);
  const bytes = letters + sequences * (USUAL_ID_BYTES + USUAL_DESCRIPTION_BYTES + 3);
  return {
    ...{ files: 1, largeFiles: tasks > 1 ? 1 : 0, tasks, largestShare: 1 / tasks, bytes, sequences, residues: letters },
    ...{ idBytes: USUAL_ID_BYTES, descriptionBytes: USUAL_DESCRIPTION_BYTES },
  };
}

/** Returns the settings of the tables that a run builds. */
export function buildOf(args: PlanArguments, inputs: ResolvedInputs, model: ForecastModel | undefined): BuildRequest {
  const { fasta, vectors } = inputs;
  if (fasta && !model) throw modelNeeded();
  return {
    ...(fasta && { fasta }),
    ...(vectors && { vectors }),
    dimension: vectors?.dimension ?? model!.dimension,
    ...{ bucketSize: args.bucketSize, vectorType: args.vectorType, order: args.order, index: args.index },
    keepsSequences: args.keep === undefined || /(^|,)(sequence|all)(,|$)/.test(args.keep),
  };
}
