import { LANCEFLOW_VERSION } from '../app/version.ts';
import { missingPrice } from './forecast-messages.ts';
import { LOCAL } from './machines/price-table.ts';
import { type CommandFactors, NO_FACTORS } from './rates/learned-rates.ts';
import type { RunRates } from './rates/run-rates.ts';
import type { Interval, PlannedStage, RunPlan } from './run-plan.ts';
import type { BucketGroup, Cluster, RunRequest } from './run-request.ts';
import { buildingStages, builtGroup, shapeOf } from './stages/building.ts';
import { describeStage, embeddingStages } from './stages/embedding.ts';
import { searchGroups, searchingStages } from './stages/searching.ts';
import { type StageWork, stageSeconds } from './stages/stage-work.ts';

/** How far outcomes lie from estimates, as a factor: by rates of another machine or size, and by those of an earlier run. */
const UNCERTAINTY = { measured: 1.6, calibrated: 1.5, catalog: 1.3, outcome: 1.3 } as const;
const COMPONENT_BYTES = { float32: 4, float16: 2 } as const;

/** Returns the work of each stage, in the order of the pipeline. */
export function workOf(request: RunRequest, rates: RunRates): StageWork[] {
  const { build, model, queries, existing } = request;
  const stages: StageWork[] = [];
  const groups: BucketGroup[] = [...existing];
  if (build?.fasta)
    stages.push(
      ...embeddingStages(build.fasta, model!, COMPONENT_BYTES[build.vectorType], build.keepsSequences, request, rates),
    );
  if (build) {
    if (build.vectors && build.vectors.describeTasks > 0) stages.push(describeStage(build.vectors, request, rates));
    stages.push(...buildingStages(build, request, rates));
    groups.push(builtGroup(build, shapeOf(build, rates)));
  }
  if (queries?.fasta) {
    const own = embeddingStages(queries.fasta, model!, 4, true, request, rates);
    for (const stage of own) addStage(stages, stage);
  }
  if (queries && groups.length > 0) stages.push(...searchingStages(groups, queries, request, rates));
  return stages;
}

/** Adds a stage's tasks to those of the same command. */
function addStage(stages: StageWork[], added: StageWork): void {
  const own = stages.find(({ command }) => command === added.command);
  if (!own) {
    stages.push(added);
    return;
  }
  const tasks = own.tasks + added.tasks;
  const { slots, mostSlots } = own.placement;
  own.placement = { ...own.placement, slots: Math.min(mostSlots, slots + added.placement.slots) };
  own.longestSeconds = Math.max(own.longestSeconds ?? own.seconds, added.longestSeconds ?? added.seconds);
  for (const field of ['seconds', 'cpuSeconds'] as const)
    own[field] = (own.tasks * own[field] + added.tasks * added[field]) / tasks;
  own.tasks = tasks;
  for (const field of ['rows', 'bytesRead', 'bytesWritten', 'bytesStored', 'readRequests', 'writeRequests'] as const)
    own[field] += added[field];
}

/**
 * Forecasts a run.
 * @param factors of earlier runs, by command
 * @throws UsageError where a price is missing
 */
export function forecastRun(request: RunRequest, rates: RunRates, factors: CommandFactors = NO_FACTORS): RunPlan {
  const { cluster, queries, existing, build } = request;
  const { machine, prices } = cluster;
  requirePrices(cluster, request.isRemote);
  const works = workOf(request, rates);
  const planned = works.map((work) => plannedStage(work, request, rates, factors));
  const stages = planned.map(({ stage }) => stage);
  const hours = addIntervals([...stages.map((stage) => stage.hours), headHours(works, rates)]);
  const groups = build ? [...existing, builtGroup(build, shapeOf(build, rates))] : existing;
  const [largest] =
    queries && groups.length > 0
      ? searchGroups(groups, queries, request, rates).sort((a, b) => b.group.rows - a.group.rows)
      : [];
  const priced = stages.flatMap(({ dollars }) => dollars ?? []);
  const total = (of: (stage: PlannedStage) => number) => stages.reduce((sum, stage) => sum + of(stage), 0);
  const bytesStored = total((stage) => stage.bytesStored);
  const s3 = request.isRemote ? prices.services.s3 : undefined;
  return {
    ...{ format: 1, version: LANCEFLOW_VERSION },
    rates: planned.map(({ source }) => source),
    machine: {
      ...{ name: machine.name, cpus: machine.cpus, memoryGiB: machine.memoryGiB, diskGB: machine.diskGB },
      ...(machine.dollarsPerHour !== undefined && { dollarsPerHour: machine.dollarsPerHour }),
      date: prices.date,
    },
    stages,
    total: {
      hours,
      cpuHours: addIntervals(stages.map((stage) => stage.cpuHours)),
      bytesRead: total((stage) => stage.bytesRead),
      bytesWritten: total((stage) => stage.bytesWritten),
      bytesStored,
      requests: total((stage) => stage.requests),
      ...(priced.length === stages.length && { dollars: addIntervals(priced) }),
    },
    ...(s3 && { storageDollarsPerMonth: (bytesStored / 1e9) * s3.dollarsPerGBMonth }),
    ...(largest && {
      search: {
        strategy: largest.forecast.strategy,
        estimates: largest.forecast.estimates.map(({ strategy, seconds }) => ({ strategy, seconds })),
      },
    }),
  };
}

function requirePrices({ machine, light, prices }: Cluster, isRemote: boolean): void {
  for (const { name, dollarsPerHour } of [machine, light])
    if (dollarsPerHour === undefined && name !== LOCAL) throw missingPrice(`the machine ${name}`, prices.date);
  if (isRemote && !prices.services.s3) throw missingPrice('S3', prices.date);
}

function plannedStage(
  work: StageWork,
  { cluster, isRemote, calibrated }: RunRequest,
  rates: RunRates,
  factors: CommandFactors,
) {
  const { command, tasks, bytesRead, bytesWritten, bytesStored, readRequests, writeRequests } = work;
  const { time, cpu, source, from } = factors.get(command) ?? unlearned(command, calibrated, rates);
  const spread = UNCERTAINTY[source];
  const startSeconds = rates.head.taskSeconds + (work.files ?? 0) * rates.head.fileSeconds;
  const seconds = work.seconds * time + startSeconds;
  const { dollarsPerHour, cpus } = work.isLight ? cluster.light : cluster.machine;
  const pace = { time, cpu, startSeconds, cores: cpus * cluster.machines };
  const machineHours = (tasks * seconds) / work.placement.perMachine / 3600;
  const s3 = isRemote ? cluster.prices.services.s3 : undefined;
  const requestDollars = s3
    ? (readRequests * s3.dollarsPerThousandReads + writeRequests * s3.dollarsPerThousandWrites) / 1000
    : 0;
  const stage: PlannedStage = {
    // Buckets that were not read count with the weight of those that were.
    ...{ command, tasks: Math.round(tasks) },
    hours: around(stageSeconds(work, pace) / 3600, spread),
    cpuHours: around((tasks * work.cpuSeconds * cpu) / 3600, spread),
    bytesRead: Math.round(bytesRead),
    bytesWritten: Math.round(bytesWritten),
    bytesStored: Math.round(bytesStored),
    requests: readRequests + writeRequests,
    ...{ machineShare: 1 / work.placement.perMachine, requestDollars },
    ...(dollarsPerHour !== undefined && {
      ...{ dollarsPerHour, dollars: around(machineHours * dollarsPerHour + requestDollars, spread) },
    }),
  };
  return { stage, source: { stage: command, source, from } };
}

function unlearned(command: string, calibrated: RunRequest['calibrated'], { from }: RunRates) {
  const isCalibrated = calibrated?.commands.includes(command) === true;
  const source = isCalibrated ? ('calibrated' as const) : ('measured' as const);
  return { time: 1, cpu: 1, source, from: isCalibrated ? calibrated.from : from };
}

/** Hours of Nextflow itself: its start and end, and the pause between two stages. */
function headHours(works: readonly StageWork[], { head }: RunRates): Interval {
  return around((head.runSeconds + head.stageSeconds * works.length) / 3600, UNCERTAINTY.measured);
}

function around(estimate: number, factor: number): Interval {
  return { estimate, low: estimate / factor, high: estimate * factor };
}

function addIntervals(intervals: readonly Interval[]): Interval {
  const sum = (of: (one: Interval) => number) => intervals.reduce((total, one) => total + of(one), 0);
  return { estimate: sum((one) => one.estimate), low: sum((one) => one.low), high: sum((one) => one.high) };
}
