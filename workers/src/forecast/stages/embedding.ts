/** Stages before packing: dividing, embedding and describing. Pure. */
import { cpuSecondsAt, type RunRates, wallSeconds } from '../rates/run-rates.ts';
import type { FastaInputs, ForecastModel, RunRequest, VectorInputs } from '../run-request.ts';
import { requestsOf, type StageWork } from './stage-work.ts';
import { embedCores, type Placement, placeTasks } from './task-resources.ts';

/** Tokens at both ends of a sequence. */
const SPECIAL_TOKENS = 2;
/** Residues of a window, where the model does not say. */
const DEFAULT_MAX_RESIDUES = 2046;

/** Returns the stages that turn FASTA into shards. @param componentBytes of their vectors */
export function embeddingStages(
  fasta: FastaInputs,
  model: ForecastModel,
  componentBytes: number,
  keepsSequences: boolean,
  { cluster }: RunRequest,
  rates: RunRates,
): StageWork[] {
  const { light, machines } = cluster;
  const isKmer = model.flopsOf === undefined;
  const cores = Math.min(embedCores(model.name), light.cpus);
  const tasks = Math.max(1, fasta.tasks);
  const placement = placeTasks(light, machines, tasks, cores);
  const kept = keepsSequences
    ? fasta.residues * rates.bytes.sequenceByteInShard + fasta.sequences * fasta.descriptionBytes
    : 0;
  const written =
    fasta.sequences * (model.dimension * componentBytes + fasta.idBytes + rates.bytes.shardRow) +
    kept +
    tasks * rates.bytes.shardFile;
  const each = { rows: fasta.sequences / tasks, residues: fasta.residues / tasks };
  const rate = rates.commands['embed-sequences']!;
  const ofKmer = cpuSecondsAt(rate, each);
  const time = isKmer
    ? { cpuSeconds: ofKmer, seconds: wallSeconds(ofKmer, rate, light.cpus) }
    : modelTime(each, model, rates, cores);
  time.seconds += copySeconds((fasta.bytes + written) / tasks, placement, cluster);
  const embed: StageWork = {
    ...{ command: 'embed-sequences', tasks, placement },
    ...{
      isLight: true,
      ...time,
      longestSeconds: time.seconds * Math.max(1, fasta.largestShare * tasks),
      rows: fasta.sequences,
    },
    ...{ bytesRead: fasta.bytes, bytesWritten: written, bytesStored: written },
    readRequests: cluster.copiesInputs ? requestsOf(fasta.bytes, tasks) : 0,
    writeRequests: cluster.copiesInputs ? requestsOf(written, tasks) : 0,
  };
  if (fasta.largeFiles === 0) return [embed];
  return [splitStage(fasta, rates, placeTasks(light, machines, fasta.largeFiles, 1)), embed];
}

function splitStage(fasta: FastaInputs, rates: RunRates, placement: Placement): StageWork {
  const rate = rates.commands['split-sequences']!;
  const cpuSeconds = cpuSecondsAt(rate, { fileBytes: fasta.bytes / fasta.largeFiles });
  return {
    ...{ command: 'split-sequences', tasks: fasta.largeFiles, placement, isLight: true },
    ...{ seconds: wallSeconds(cpuSeconds, rate, 1), cpuSeconds, rows: fasta.sequences },
    ...{ bytesRead: fasta.bytes, bytesWritten: fasta.residues, bytesStored: 0, readRequests: 0, writeRequests: 0 },
  };
}

function modelTime(each: Amounts, model: ForecastModel, rates: RunRates, cores: number) {
  const cpuSeconds = modelCpuSeconds(each, model, rates);
  return { cpuSeconds, seconds: wallSeconds(cpuSeconds, { busyCores: cores }, cores) };
}

interface Amounts {
  rows: number;
  residues: number;
}

/** Returns the CPU-seconds of a task that embeds by a model. */
export function modelCpuSeconds(
  { rows, residues }: Amounts,
  { flopsOf, maxResidues = DEFAULT_MAX_RESIDUES }: ForecastModel,
  rates: RunRates,
): number {
  const length = Math.min(maxResidues, residues / Math.max(1, rows)) + SPECIAL_TOKENS;
  // The fixed part loads the weights; the rows' part tokenizes, pools and writes.
  const rest = cpuSecondsAt(rates.commands['embed-sequences model']!, { rows, residues });
  return rest + (rows * flopsOf!(length)) / rates.modelFlopsPerCoreSecond;
}

/** Seconds of copying a task's inputs and outputs from and to S3, with the others on its machine. */
function copySeconds(bytes: number, { perMachine }: Placement, { light, copiesInputs }: RunRequest['cluster']): number {
  return copiesInputs ? (bytes * perMachine) / Math.min((light.networkGbps * 1e9) / 8, light.diskBytesPerSecond) : 0;
}

/** Returns the stage that describes the user's own shards. */
export function describeStage(vectors: VectorInputs, { cluster }: RunRequest, rates: RunRates): StageWork {
  const { light, machines } = cluster;
  const tasks = vectors.describeTasks;
  const rate = rates.commands['describe-shard']!;
  const each = { shards: vectors.shards / tasks, rows: vectors.rows / tasks, vectorBytes: vectors.bytes / tasks };
  const cpuSeconds = cpuSecondsAt(rate, each);
  const placement = placeTasks(light, machines, tasks, 1);
  const seconds = wallSeconds(cpuSeconds, rate, 1) + copySeconds(vectors.bytes / tasks, placement, cluster);
  const written = vectors.shards * rates.bytes.shardRow + vectors.rows * 24;
  return {
    ...{ command: 'describe-shard', tasks, placement },
    ...{ isLight: true, cpuSeconds, seconds, files: vectors.shards / tasks, rows: vectors.rows },
    ...{ bytesRead: vectors.bytes, bytesWritten: written, bytesStored: 0 },
    ...{ readRequests: cluster.copiesInputs ? requestsOf(vectors.bytes, vectors.shards) : 0, writeRequests: 0 },
  };
}
