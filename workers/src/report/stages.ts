import * as z from 'zod/mini';
import { AMOUNT, COUNT, checkDocument, isRecord, SHARE, TEXT } from '../base/text/document.ts';

/** A worker's `--json` report, as far as a field is there and of the right type. */
export interface WorkerReport {
  command: string;
  rows?: number;
  seconds?: number;
  cpuSeconds?: number;
  bytes?: number;
  peakMemoryBytes?: number;
  /** Of search-bucket. */
  bucket?: string;
  mode?: string;
  queries?: number;
  k?: number;
  nprobes?: number;
  refineFactor?: number;
  recall?: Recall;
  /** What the cost model expected of the way that was taken. */
  expectedSeconds?: number;
  /** And of the others, quickest first. */
  otherWays?: WayEstimate[];
  searchSeconds?: number;
  /** What is odd, a sentence each. */
  warnings?: string[];
}

export interface WayEstimate {
  way: string;
  seconds: number;
}

/** Measured share of the true neighbours that were found, with its 95% interval where there is one. */
export interface Recall {
  mean: number;
  low?: number;
  high?: number;
  /** Queries it was measured on. */
  queries?: number;
}

/** All tasks of one command. */
export interface Stage {
  command: string;
  tasks: number;
  rows: number;
  /** Of all tasks together; tasks may have run side by side. */
  seconds: number;
  longestSeconds: number;
  cpuSeconds: number;
  bytes: number;
  peakMemoryBytes: number;
}

/** Commands in the order of the pipeline; others follow. */
const ORDER = [
  ...['split-sequences', 'embed-sequences', 'describe-shard', 'pack-buckets', 'ingest-bucket', 'index-bucket'],
  ...['fetch-queries', 'plan-search', 'search-bucket', 'merge-hits'],
];

const NUMBER = z.nullish(AMOUNT);
const NAME = z.nullish(z.string('a text'));

/** What is shown of a report; what a command does not tell is missing or null. */
const REPORT = z.object({
  command: TEXT,
  ...{
    rows: NUMBER,
    seconds: NUMBER,
    cpuSeconds: NUMBER,
    bytes: NUMBER,
    peakMemoryBytes: NUMBER,
    searchSeconds: NUMBER,
  },
  ...{ queries: NUMBER, k: NUMBER, nprobes: NUMBER, refineFactor: NUMBER, bucket: NAME, mode: NAME },
  recall: z.nullish(
    z.union(
      [SHARE, z.object({ mean: SHARE, low: z.optional(SHARE), high: z.optional(SHARE), queries: z.optional(COUNT) })],
      'a share of 1, or an object with "mean"',
    ),
  ),
  estimates: z.nullish(z.array(z.object({ way: TEXT, seconds: AMOUNT }))),
  warnings: z.nullish(z.array(TEXT)),
});

/**
 * Takes from parsed JSON what a report shows.
 * @returns undefined where it is not a worker's report
 * @throws what `fail` makes of a field that cannot be
 */
export function toWorkerReport(json: unknown, fail: (problem: string) => Error): WorkerReport | undefined {
  if (!isRecord(json) || typeof json.command !== 'string') return undefined;
  const { estimates, recall, ...fields } = checkDocument(REPORT, json, fail);
  const told = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
  const report: WorkerReport = { command: fields.command, ...told };
  if (typeof recall === 'number') report.recall = { mean: recall };
  else if (recall) report.recall = recall;
  const expected = estimates?.find(({ way }) => way === report.mode);
  if (expected) {
    report.expectedSeconds = expected.seconds;
    report.otherWays = estimates!.filter((one) => one !== expected);
  }
  return report;
}

/** Sums the reports up by command, in the order of the pipeline. */
export function summarizeStages(reports: readonly WorkerReport[]): Stage[] {
  const stages = new Map<string, Stage>();
  for (const report of reports) {
    const { command, rows = 0, seconds = 0, cpuSeconds = 0, bytes = 0, peakMemoryBytes = 0 } = report;
    const stage = stages.get(command) ?? {
      ...{ command, tasks: 0, rows: 0, seconds: 0, longestSeconds: 0, cpuSeconds: 0, bytes: 0, peakMemoryBytes: 0 },
    };
    stages.set(command, stage);
    stage.tasks++;
    stage.rows += rows;
    stage.seconds += seconds;
    stage.longestSeconds = Math.max(stage.longestSeconds, seconds);
    stage.cpuSeconds += cpuSeconds;
    stage.bytes += bytes;
    stage.peakMemoryBytes = Math.max(stage.peakMemoryBytes, peakMemoryBytes);
  }
  const place = ({ command }: Stage) => (ORDER.indexOf(command) + ORDER.length + 1) % (ORDER.length + 1);
  return [...stages.values()].sort((a, b) => place(a) - place(b) || (a.command < b.command ? -1 : 1));
}

/** Searches of buckets, by bucket. */
export function searchesOf(reports: readonly WorkerReport[]): WorkerReport[] {
  const name = ({ bucket = '' }: WorkerReport) => bucket;
  return reports
    .filter(({ command }) => command === 'search-bucket')
    .sort((a, b) => (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0));
}

/** Warnings of all workers, each once, with the bucket's name. */
export function warningsOf(reports: readonly WorkerReport[]): string[] {
  const all = reports.flatMap(({ bucket, warnings = [] }) =>
    warnings.map((text) => (bucket === undefined || text.startsWith(`${bucket}: `) ? text : `${bucket}: ${text}`)),
  );
  return [...new Set(all)].sort();
}

/**
 * Recall of the merged answer: as it was measured when it was merged, or all of it where every bucket was searched exactly.
 * Undefined where it is not known.
 */
export function mergedRecall(reports: readonly WorkerReport[]): Recall | undefined {
  const measured = reports.find(({ command, recall }) => command === 'merge-hits' && recall)?.recall;
  if (measured) return measured;
  const searches = searchesOf(reports);
  return searches.length > 0 && searches.every(({ mode }) => mode === 'exact') ? { mean: 1 } : undefined;
}

/** Queries that were asked: those of a bucket's searches together, which may be of a range each. */
export function queriesAsked(searches: readonly WorkerReport[]): number {
  const asked = new Map<string, number>();
  for (const { bucket = '', queries = 0 } of searches) asked.set(bucket, (asked.get(bucket) ?? 0) + queries);
  return Math.max(0, ...asked.values());
}
