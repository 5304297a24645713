import type { CommandArguments } from '../../app/command.ts';
import { requireTargetRecall, requireWhole } from '../../app/option-checks.ts';
import { looksLikeS3 } from '../../base/s3-location.ts';
import { bothCounts, lackOfRows, modelNeeded, otherVectors, unreadNote } from '../forecast-messages.ts';
import type { PLAN_OPTIONS } from '../plan-options.ts';
import type { BuildRequest, FastaInputs, ForecastModel, QueryRequest, VectorInputs } from '../run-request.ts';
import { countFasta, isPacked, largestShare } from './count-fasta.ts';
import { countShards, describeTasks } from './count-shards.ts';
import { type InputFile, type ListS3, listInputs } from './list-inputs.ts';
import { readListedFiles } from './listed-files.ts';

export type PlanArguments = CommandArguments<typeof PLAN_OPTIONS>;

/** Mean residues of a protein, where only the number of sequences is known: that of UniProt. */
const MEAN_RESIDUES = 350;
/** Of ids of UniProt with their database and name, and of their descriptions. */
const USUAL_ID_BYTES = 22;
const USUAL_DESCRIPTION_BYTES = 70;
/** Of FASTA by gzip or zstd. */
const PACKING = 1.9;
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
  const { refineFactor, targetRecall } = args;
  if (refineFactor !== undefined) requireWhole('refine-factor', refineFactor, 0);
  requireTargetRecall(targetRecall);
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

/** What is known beside the options. */
export interface InputContext {
  /** Of the database: for shards that cannot be read here. */
  dimension: number | undefined;
  listS3: ListS3;
}

/** Counts the inputs of a build: files by their headers and sizes, or the counts of the options. @returns undefined where there are none */
export async function resolveInputs(args: PlanArguments, known: InputContext): Promise<ResolvedInputs | undefined> {
  const { input, rows, residues, partResidues } = args;
  if (args.inputFiles !== undefined)
    return countListed('input', args.inputFiles, partResidues, dimensionOf(args, known));
  if (input !== undefined) return countNamed('input', input, partResidues, dimensionOf(args, known), known.listS3);
  if (rows === undefined && residues === undefined) return undefined;
  // Sequences are embedded where a model is named, or residues are.
  if (residues !== undefined || args.model !== undefined)
    return { fasta: fastaOf(rows, residues, partResidues), notes: [] };
  const dimension = dimensionOf(args, known);
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

function dimensionOf({ dimension }: PlanArguments, known: InputContext): number {
  return dimension ?? known.dimension ?? USUAL_DIMENSION;
}

/** Counts the files that an option names: from their sizes alone, where some are on S3. */
async function countNamed(
  option: string,
  value: string,
  partResidues: number,
  dimension: number,
  listS3: ListS3,
): Promise<ResolvedInputs> {
  const files = await listInputs(option, value, listS3);
  const areOnS3 = files.some(({ path }) => looksLikeS3(path));
  return areOnS3 ? countSizes(option, files, partResidues, dimension) : countFiles(option, files, partResidues);
}

/** Counts files that the pipeline lists: from their sizes alone, where a task cannot read them. @returns undefined for an empty list */
async function countListed(
  option: string,
  list: string,
  partResidues: number,
  dimension: number,
): Promise<ResolvedInputs | undefined> {
  const { files, areReadable } = await readListedFiles(list);
  if (files.length === 0) return undefined;
  const areCounted = areReadable && files.every(({ kind }) => kind !== 'vectors');
  return areCounted ? countFiles(option, files, partResidues) : countSizes(option, files, partResidues, dimension);
}

/** Estimates the contents of files from their sizes. @param dimension of the vectors in shards */
function countSizes(
  option: string,
  files: readonly InputFile[],
  partResidues: number,
  dimension: number,
): ResolvedInputs {
  const sequences = files.filter(({ kind }) => kind === 'fasta');
  const shards = files.filter(({ kind }) => kind !== 'fasta');
  const bytes = shards.reduce((sum, file) => sum + file.bytes, 0);
  const vectors: VectorInputs = {
    ...{ shards: shards.length, bytes, dimension, vectorType: 'float32', idBytes: USUAL_ID_BYTES },
    rows: Math.max(1, Math.round(bytes / (dimension * 4 + USUAL_ID_BYTES))),
    describeTasks: describeTasks(shards.length, bytes),
  };
  return {
    ...(sequences.length > 0 && { fasta: fastaOfSizes(sequences, partResidues) }),
    ...(shards.length > 0 && { vectors }),
    notes: [unreadNote(option)],
  };
}

/** Estimates sequences from the sizes of their files, as those of UniProt. */
function fastaOfSizes(files: readonly InputFile[], partResidues: number): FastaInputs {
  const share = MEAN_RESIDUES / (MEAN_RESIDUES * (1 + 1 / 60) + USUAL_ID_BYTES + USUAL_DESCRIPTION_BYTES + 3);
  const residuesOf = ({ path, bytes }: InputFile) => bytes * (isPacked(path) ? PACKING : 1) * share;
  const residues = files.reduce((sum, file) => sum + residuesOf(file), 0);
  const parts = files.map((file) => Math.ceil(residuesOf(file) / partResidues));
  const tasks = parts.reduce((sum, count) => sum + Math.max(1, count), 0);
  return {
    ...{ files: files.length, largeFiles: parts.filter((count) => count > 1).length, tasks },
    largestShare: largestShare(
      files.map((file) => Math.min(partResidues, residuesOf(file))),
      residues,
    ),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    ...{ sequences: Math.max(1, Math.round(residues / MEAN_RESIDUES)), residues: Math.max(1, Math.round(residues)) },
    ...{ idBytes: USUAL_ID_BYTES, descriptionBytes: USUAL_DESCRIPTION_BYTES },
  };
}

/** Counts the queries. @param known with the dimension of what is searched @returns undefined where there are none */
export async function resolveQueries(
  args: PlanArguments,
  known: InputContext,
): Promise<(QueryRequest & { notes: string[] }) | undefined> {
  const { dimension = USUAL_DIMENSION, listS3 } = known;
  const { queries, queryCount, k, partResidues } = args;
  if (args.queryFiles !== undefined) return listedQueries(args, args.queryFiles, dimension);
  if (queries === undefined && queryCount === undefined) return undefined;
  if (queries === undefined) return { count: queryCount!, k, idBytes: USUAL_ID_BYTES, notes: [] };
  return queriesOf(await countNamed('queries', queries, partResidues, dimension, listS3), k);
}

/** Counts the queries of the pipeline: files, and ids whose vectors the database has. */
async function listedQueries({ queryCount = 0, k, partResidues }: PlanArguments, list: string, dimension: number) {
  const counted = await countListed('queries', list, partResidues, dimension);
  if (!counted && queryCount === 0) return undefined;
  return queriesOf(counted ?? { notes: [] }, k, queryCount);
}

function queriesOf({ fasta, vectors, notes }: ResolvedInputs, k: number, more = 0): QueryRequest & { notes: string[] } {
  const count = (fasta?.sequences ?? 0) + (vectors?.rows ?? 0) + more;
  return { ...(fasta && { fasta }), count, k, idBytes: fasta?.idBytes ?? vectors?.idBytes ?? USUAL_ID_BYTES, notes };
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
