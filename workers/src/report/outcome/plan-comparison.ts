import type { PlannedStage, RunPlan } from '../../forecast/run-plan.ts';
import { wallSeconds } from './outcome-of.ts';
import { compareCommands, type Stage, summarizeStages } from './stages.ts';
import type { WorkerReport } from './worker-report.ts';

/** One figure of a plan beside that of its outcome; undefined where it is unknown. */
export interface Compared {
  planned: number | undefined;
  /** Interval of the plan. */
  low?: number | undefined;
  high?: number | undefined;
  took: number | undefined;
}

/** Plan and outcome of one stage, or of the run. */
export interface StageComparison {
  command: string;
  tasks: Compared;
  /** Time in which at least one task ran. */
  seconds: Compared;
  bytesRead: Compared;
  bytesWritten: Compared;
  dollars: Compared;
}

export interface RunComparison {
  /** In the order of the pipeline: the stages of the plan, and those that ran without being planned. */
  stages: StageComparison[];
  total: StageComparison;
}

/** The command that makes the comparison, before it has a report of its own. */
const OWN = 'render-report';

/** Puts the figures of a plan beside those of the tasks' reports. */
export function comparePlan(plan: RunPlan, reports: readonly WorkerReport[]): RunComparison {
  const planned = new Map(plan.stages.map((stage) => [stage.command, stage]));
  const ran = new Map(summarizeStages(reports).map((stage) => [stage.command, stage]));
  const commands = [...new Set([...planned.keys(), ...ran.keys()])].filter((command) => command !== OWN);
  commands.sort(compareCommands);
  const stages = commands.map((command) => {
    const own = reports.filter((report) => report.command === command);
    return compareStage(command, planned.get(command), ran.get(command), own);
  });
  return { stages, total: totalOf(plan, stages, reports) };
}

function compareStage(
  command: string,
  planned: PlannedStage | undefined,
  ran: Stage | undefined,
  reports: readonly WorkerReport[],
): StageComparison {
  return {
    command,
    tasks: { planned: planned?.tasks ?? 0, took: ran?.tasks ?? 0 },
    seconds: interval(planned?.hours, ran ? wallSeconds(reports) : 0, 3600),
    bytesRead: { planned: planned?.bytesRead ?? 0, took: bytesRead(reports) },
    bytesWritten: { planned: planned?.bytesWritten ?? 0, took: ran?.bytes ?? 0 },
    dollars: interval(planned?.dollars, planned && dollarsOf(planned, ran, reports)),
  };
}

/** Sums the stages. The times of stages may overlap, and the plan of the whole run includes pauses between them. */
function totalOf({ total }: RunPlan, stages: StageComparison[], reports: readonly WorkerReport[]): StageComparison {
  const sum = (of: (stage: StageComparison) => number | undefined) =>
    stages.reduce<number | undefined>((all, stage) => addKnown(all, of(stage)), 0);
  return {
    command: '',
    tasks: { planned: sum(({ tasks }) => tasks.planned), took: sum(({ tasks }) => tasks.took) },
    seconds: interval(total.hours, wallSeconds(reports), 3600),
    bytesRead: { planned: sum((stage) => stage.bytesRead.planned), took: sum((stage) => stage.bytesRead.took) },
    bytesWritten: {
      planned: sum((stage) => stage.bytesWritten.planned),
      took: sum((stage) => stage.bytesWritten.took),
    },
    dollars: interval(
      total.dollars,
      sum(({ dollars, tasks }) => (tasks.took === 0 ? 0 : dollars.took)),
    ),
  };
}

/** Returns the price of what a stage took, at the plan's prices; undefined where it has none. */
function dollarsOf(
  { machineShare, dollarsPerHour, requests, requestDollars = 0 }: PlannedStage,
  ran: Stage | undefined,
  reports: readonly WorkerReport[],
): number | undefined {
  if (machineShare === undefined || dollarsPerHour === undefined) return undefined;
  const sent = reports.reduce((all, report) => all + (report.requests ?? 0), 0);
  const requestPrice = requests > 0 ? requestDollars / requests : 0;
  return ((ran?.seconds ?? 0) / 3600) * machineShare * dollarsPerHour + sent * requestPrice;
}

function bytesRead(reports: readonly WorkerReport[]): number | undefined {
  return reports.reduce<number | undefined>((all, report) => addKnown(all, report.bytesRead), 0);
}

function addKnown(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}

function interval(
  planned: { estimate: number; low: number; high: number } | undefined,
  took: number | undefined,
  unit = 1,
): Compared {
  if (!planned) return { planned: undefined, took };
  return { planned: planned.estimate * unit, low: planned.low * unit, high: planned.high * unit, took };
}

/** Returns the outcome as a multiple of the plan; undefined where either is unknown, or 0. */
export function ratioOf({ planned, took }: Compared): number | undefined {
  return planned && took ? took / planned : undefined;
}
