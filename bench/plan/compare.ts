/** Compares a plan with what the run took. Pure but for reading the trace. */
import type { RunPlan } from '../../workers/src/forecast/run-plan.ts';
import type { Outcome } from '../../workers/src/run/outcome.ts';

export interface Comparison {
  command: string;
  seconds: { planned: number; took: number; ratio: number };
  bytes: { planned: number; took: number; ratio: number };
}

export interface RunComparison {
  name: string;
  describe: string;
  stages: Comparison[];
  /** Of the whole run, with Nextflow's start and end. */
  total: Comparison;
  /** The same, planned again with the outcome of this run. */
  learned: Comparison['seconds'];
}

/** One task by Nextflow's trace. */
export interface TracedTask {
  command: string;
  startMs: number;
  endMs: number;
}

/** Reads the tasks of Nextflow's trace: of all that ran now. */
export function parseTrace(text: string): TracedTask[] {
  const [head, ...lines] = text.trim().split('\n');
  const column = (name: string) => head!.split('\t').indexOf(name);
  const [name, submit, duration] = ['name', 'submit', 'duration'].map(column) as [number, number, number];
  return lines.map((line) => {
    const cells = line.split('\t');
    const process = /([A-Z_]+)(?: \(.*\))?$/.exec(cells[name]!)![1]!;
    const startMs = Date.parse(`${cells[submit]!.replace(' ', 'T')}Z`);
    return {
      command: process.toLowerCase().replaceAll('_', '-'),
      startMs,
      endMs: startMs + milliseconds(cells[duration]!),
    };
  });
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function milliseconds(text: string): number {
  return Array.from(text.matchAll(/([\d.]+)(ms|s|m|h|d)/g)).reduce(
    (sum, [, value, unit]) => sum + Number(value) * UNITS[unit!]!,
    0,
  );
}

/** Compares each stage: its seconds by the trace, its bytes by the reports of the tasks. */
export function compareStages(plan: RunPlan, outcome: Outcome, tasks: readonly TracedTask[]): Comparison[] {
  // The report cannot have its own size.
  const known = plan.stages.filter(({ command }) => command !== 'render-report');
  return known.map(({ command, hours, bytesWritten }) => {
    const own = tasks.filter((task) => task.command === command);
    const bytes = outcome.stages
      .filter((stage) => stage.command === command)
      .reduce((sum, stage) => sum + stage.bytes, 0);
    return { command, seconds: pair(hours.estimate * 3600, busySeconds(own)), bytes: pair(bytesWritten, bytes) };
  });
}

export function pair(planned: number, took: number): Comparison['seconds'] {
  return { planned, took, ratio: took === 0 ? 0 : planned / took };
}

/** Seconds in which at least one of the tasks ran. */
function busySeconds(tasks: readonly TracedTask[]): number {
  let [busyMs, endMs] = [0, Number.NEGATIVE_INFINITY];
  for (const { startMs, endMs: to } of [...tasks].sort((a, b) => a.startMs - b.startMs)) {
    busyMs += Math.max(0, to - Math.max(startMs, endMs));
    endMs = Math.max(endMs, to);
  }
  return busyMs / 1000;
}
