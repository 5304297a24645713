/** What earlier runs and the database itself tell about the rates. Pure. */
import { counted } from '../../base/text/counted.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { Outcome, OutcomeStage } from '../../run/outcome.ts';
import { stepCpuSeconds } from '../model/bucket-estimate.ts';
import type { RunRequest } from '../run-request.ts';
import { modelCpuSeconds } from '../stages/embedding.ts';
import { cpuSecondsAt, type RunRates } from './run-rates.ts';

/** By how much a stage takes more, or less, than the checked-in rates say. */
export interface CommandFactor {
  time: number;
  cpu: number;
  source: 'catalog' | 'outcome';
  from: string;
}
export type CommandFactors = ReadonlyMap<string, CommandFactor>;
export const NO_FACTORS: CommandFactors = new Map();

/** Work of less than this says little: most of its time is the start of the process. */
const LEAST_SECONDS = 0.5;

/** CPU-seconds that tasks spent, and those that the checked-in rates estimate for their work. */
interface Compared {
  command: string;
  spentCpuSeconds: number;
  expectedCpuSeconds: number;
  from: string;
  source: 'catalog' | 'outcome';
}

/**
 * Compares what earlier runs took with the checked-in rates. An outcome counts before the catalog, whose entries may be of other machines.
 * @param outcomes of earlier runs
 * @param entries of the database
 */
export function learnFactors(
  request: RunRequest,
  rates: RunRates,
  outcomes: readonly { path: string; outcome: Outcome }[],
  entries: readonly CatalogEntry[],
): CommandFactors {
  const ofRuns = outcomes.flatMap(({ path, outcome }) =>
    [...outcome.stages, ...(outcome.earlier ?? [])].flatMap((stage) => compareStage(stage, path, request, rates) ?? []),
  );
  const ofCatalog = entries.flatMap((entry) => compareEntry(entry, entries.length, rates));
  const factors = new Map<string, CommandFactor>();
  for (const compared of [ofCatalog, ofRuns])
    for (const [command, own] of Map.groupBy(compared, (one) => one.command)) {
      const sum = (of: (one: Compared) => number) => own.reduce((total, one) => total + of(one), 0);
      const [spent, expected] = [sum((one) => one.spentCpuSeconds), sum((one) => one.expectedCpuSeconds)];
      if (spent < LEAST_SECONDS || expected <= 0) continue;
      const factor = spent / expected;
      factors.set(command, { time: factor, cpu: factor, source: own[0]!.source, from: own.at(-1)!.from });
    }
  return factors;
}

function compareStage(stage: OutcomeStage, path: string, request: RunRequest, rates: RunRates): Compared | undefined {
  const { command, state, cpuSeconds } = stage;
  const expected = state === 'done' ? expectedCpuSeconds(stage, request, rates) : undefined;
  if (expected === undefined) return undefined;
  return {
    ...{ command, spentCpuSeconds: cpuSeconds },
    ...{ expectedCpuSeconds: expected, from: path, source: 'outcome' },
  };
}

/** Returns the CPU-seconds of the tasks of an outcome, by the checked-in rates; undefined where its work is not known. */
function expectedCpuSeconds(stage: OutcomeStage, request: RunRequest, rates: RunRates): number | undefined {
  const { command, tasks, rows, settings, queries, pairs, hits } = stage;
  const { dimension = rates.build.dimension } = settings;
  const each = rows / tasks;
  const rate = rates.commands[command];
  switch (command) {
    case 'embed-sequences':
      return embeddingCpuSeconds(stage, request, rates);
    case 'ingest-bucket':
      return (
        tasks *
        (rate!.fixed +
          stepCpuSeconds(rates.build, request.build?.order === 'none' ? 'ingest-unordered' : 'ingest', each, dimension))
      );
    case 'index-bucket':
      return (
        tasks *
        (rate!.fixed +
          stepCpuSeconds(rates.build, settings.index === 'ivf-pq' ? 'index-pq' : 'index-rq', each, dimension))
      );
    case 'search-bucket': {
      if (pairs === undefined || queries === undefined || queries === 0) return undefined;
      const perTask = Math.round(queries / tasks);
      const bucket = request.existing[0];
      const sized = { buckets: 1, rows: Math.round(pairs / queries), dimension, vectorType: 'float32' as const };
      const partitions = Math.floor(Math.sqrt(sized.rows));
      const group = {
        ...sized,
        index: bucket?.index ?? ('ivf-rq' as const),
        partitions,
        dataBytes: sized.rows * dimension * 4,
        indexBytes: sized.rows * (dimension / 8 + 32),
      };
      const forecast = request.forecastSearch(group, perTask, stage.cores ?? request.cluster.machine.cpus);
      const own = forecast.estimates.find(({ strategy }) => strategy === settings.strategy);
      return own && tasks * (own.cpuSeconds + cpuSecondsAt(rate!, { queries: perTask }));
    }
    case 'merge-hits':
      return hits === undefined ? undefined : tasks * cpuSecondsAt(rate!, { hits: hits / tasks, rows: each });
    default:
      return undefined;
  }
}

/** The time of one model says nothing about another. An outcome and a plan name the same model differently, so its kind and dimension are compared. */
function embeddingCpuSeconds(
  { tasks, rows, computed = rows, residues, settings }: OutcomeStage,
  { model }: RunRequest,
  rates: RunRates,
): number | undefined {
  const isSame =
    model?.dimension === settings.dimension && (model?.flopsOf === undefined) === (settings.model === 'kmer');
  if (!model || !isSame || residues === undefined || computed === 0) return undefined;
  // Cached and repeated sequences were not embedded.
  const each = { rows: computed / tasks, residues: (residues * computed) / rows / tasks };
  return (
    tasks *
    (model.flopsOf === undefined
      ? cpuSecondsAt(rates.commands['embed-sequences']!, each)
      : modelCpuSeconds(each, model, rates))
  );
}

/** Compares the steps of a bucket's catalog entry. */
function compareEntry(
  { rows, dimension, index, partitions, steps }: CatalogEntry,
  count: number,
  rates: RunRates,
): Compared[] {
  const from = counted(count, 'catalog entry');
  const of = (command: string, step: string, spent: { cpuSeconds: number }): Compared => ({
    ...{ command, spentCpuSeconds: spent.cpuSeconds, from, source: 'catalog' },
    expectedCpuSeconds: rates.commands[command]!.fixed + stepCpuSeconds(rates.build, step, rows, dimension),
  });
  return [
    of('ingest-bucket', partitions ? 'ingest' : 'ingest-unordered', steps.ingest),
    ...(index.kind === 'none'
      ? []
      : [of('index-bucket', index.kind === 'ivf-rq' && partitions ? 'index-rq' : 'index-pq', steps.index)]),
  ];
}
