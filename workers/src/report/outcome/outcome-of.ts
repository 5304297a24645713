import { LANCEFLOW_VERSION } from '../../app/version.ts';
import { OUTCOME_FORMAT, type Outcome, type OutcomeSettings, type OutcomeStage } from '../../run/outcome.ts';
import { compareCommands } from './stages.ts';
import type { WorkerReport } from './worker-report.ts';

/** Sums what the tasks took, by command, settings, and whether the result was found. */
export function outcomeOf(reports: readonly WorkerReport[]): Outcome {
  const groups = Map.groupBy(reports, (report) =>
    JSON.stringify([report.command, settingsOf(report), stateOf(report)]),
  );
  const stages = [...groups].map(([key, group]) => ({ key, stage: stageOf(group) }));
  stages.sort((a, b) => compareCommands(a.stage.command, b.stage.command) || (a.key < b.key ? -1 : 1));
  const ends = reports.flatMap((report) => intervalOf(report)?.[1] ?? []);
  return {
    format: OUTCOME_FORMAT,
    version: LANCEFLOW_VERSION,
    ...(ends.length > 0 ? { finished: new Date(ends.reduce((a, b) => Math.max(a, b))).toISOString() } : {}),
    ...definedOnly({ wallSeconds: wallSeconds(reports) }),
    stages: stages.map(({ stage }) => stage),
  };
}

function stageOf(reports: readonly WorkerReport[]): OutcomeStage {
  const [first] = reports as [WorkerReport];
  const values = (field: AmountField) => reports.flatMap((report) => report[field] ?? []);
  const sum = (field: AmountField) => values(field).reduce((a, b) => a + b, 0);
  const most = (field: AmountField) => values(field).reduce((a, b) => Math.max(a, b), 0);
  // A sum over some of the tasks would be taken for that over all.
  const sumIfKnown = (field: AmountField) => (values(field).length === reports.length ? sum(field) : undefined);
  const cores = values('cores');
  return {
    command: first.command,
    settings: settingsOf(first),
    state: stateOf(first),
    tasks: reports.length,
    rows: sum('rows'),
    seconds: sum('seconds'),
    longestSeconds: most('seconds'),
    cpuSeconds: sum('cpuSeconds'),
    peakMemoryBytes: most('peakMemoryBytes'),
    bytes: sum('bytes'),
    // A report without requests is that of a task that made none.
    requests: sum('requests'),
    bytesSent: sum('bytesSent'),
    bytesReceived: sum('bytesReceived'),
    ...definedOnly({
      wallSeconds: wallSeconds(reports),
      cores:
        cores.length > 0
          ? Math.max(
              1,
              cores.reduce((a, b) => Math.min(a, b)),
            )
          : undefined,
      bytesRead: sumIfKnown('bytesRead'),
      bytesWritten: sumIfKnown('bytesWritten'),
      residues: sumIfKnown('residues'),
      computed: sumIfKnown('computed'),
      queries: sumIfKnown('queries'),
      bucketRows: sumIfKnown('bucketRows'),
      hits: sumIfKnown('hits'),
      pairs: pairsOf(reports),
      planSeconds: sumIfKnown('planSeconds'),
      searchSeconds: sumIfKnown('searchSeconds'),
    }),
  };
}

/** Fields of a report that are sums. */
type AmountField = {
  [F in keyof WorkerReport]-?: NonNullable<WorkerReport[F]> extends number ? F : never;
}[keyof WorkerReport];

function settingsOf(report: WorkerReport): OutcomeSettings {
  const { model, dimension, device, precision, vectorType, metric, indexKind: index } = report;
  const { mode: strategy, k, nprobes, refineFactor } = report;
  return definedOnly({
    ...{ model, dimension, device, precision, vectorType, metric, index },
    ...{ strategy, k, nprobes, refineFactor },
  });
}

function stateOf({ alreadyDone }: WorkerReport): OutcomeStage['state'] {
  return alreadyDone ? 'found' : 'done';
}

function pairsOf(reports: readonly WorkerReport[]): number | undefined {
  let pairs = 0;
  for (const { queries, bucketRows } of reports) {
    if (queries === undefined || bucketRows === undefined) return undefined;
    pairs += queries * bucketRows;
  }
  return pairs;
}

/**
 * Computes the time in which at least one of the tasks ran, in seconds, from their starts and durations. It leaves out pauses, such as that
 * between a run and the one that resumes it. Undefined where a report has no start.
 */
export function wallSeconds(reports: readonly WorkerReport[]): number | undefined {
  const intervals = reports.map(intervalOf);
  if (intervals.length === 0 || intervals.some((interval) => interval === undefined)) return undefined;
  let busyMs = 0;
  let endMs = -Infinity;
  for (const [from, to] of (intervals as [number, number][]).sort(([a], [b]) => a - b)) {
    busyMs += Math.max(0, to - Math.max(from, endMs));
    endMs = Math.max(endMs, to);
  }
  return busyMs / 1000;
}

/** Returns when a task ran: start and end in milliseconds; undefined if its report does not say. */
function intervalOf({ started, seconds = 0 }: WorkerReport): [number, number] | undefined {
  const from = started === undefined ? Number.NaN : Date.parse(started);
  return Number.isFinite(from) ? [from, from + 1000 * seconds] : undefined;
}

/** Drops fields without a value. */
function definedOnly<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
