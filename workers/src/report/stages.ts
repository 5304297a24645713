import * as z from 'zod/mini';
import { AMOUNT, COUNT, checkDocument, FRACTION, isRecord, TEXT } from '../base/text/document.ts';
import { BACKGROUND, type BucketBackground } from './significance/background.ts';
import { DROPPED_QUERIES, type DroppedQueries } from './significance/dropped-queries.ts';

/** The fields of a worker's `--json` report that the page shows; a missing or null field is undefined. */
export interface WorkerReport {
  command: string;
  rows?: number;
  seconds?: number;
  cpuSeconds?: number;
  bytes?: number;
  peakMemoryBytes?: number;
  /** This and the following fields are of search-bucket. */
  bucket?: string;
  /** Row count of the bucket. */
  bucketRows?: number;
  metric?: string;
  /** Name of the model that made the vectors. */
  model?: string;
  mode?: string;
  queries?: number;
  k?: number;
  nprobes?: number;
  refineFactor?: number;
  recall?: Recall;
  /** The cost model's estimate of the search time, for the chosen strategy. */
  estimatedSeconds?: number;
  /** Its estimates for the other strategies, quickest first. */
  otherStrategies?: StrategyEstimate[];
  searchSeconds?: number;
  /** Distances of unrelated pairs in the bucket, where it has a null distribution. */
  background?: BucketBackground;
  /** Of merge-hits, where neighbours with a larger E-value were dropped. */
  maxEvalue?: number;
  /** Of merge-hits: the queries that thereby lost all neighbours. */
  droppedQueries?: DroppedQueries;
  /** Sentences without their full stops. */
  warnings?: string[];
}

export interface StrategyEstimate {
  strategy: string;
  seconds: number;
}

/** Measured share of the true neighbours that were found, with its 95% interval if known. */
export interface Recall {
  mean: number;
  low?: number;
  high?: number;
  /** Queries of the evaluation sample. */
  queries?: number;
}

/** All tasks of one command. */
export interface Stage {
  command: string;
  tasks: number;
  rows: number;
  /** Sum over all tasks, which may have run at the same time. */
  seconds: number;
  longestSeconds: number;
  cpuSeconds: number;
  bytes: number;
  peakMemoryBytes: number;
}

/** Commands in the order of the pipeline. */
const PIPELINE_ORDER = [
  ...['split-sequences', 'embed-sequences', 'describe-shard', 'pack-buckets', 'ingest-bucket', 'index-bucket'],
  ...['fetch-queries', 'plan-search', 'search-bucket', 'merge-hits', 'fetch-columns', 'align-neighbours'],
];

const NUMBER = z.nullish(AMOUNT);
const NAME = z.nullish(z.string('a text'));

/** The fields of a report; commands omit what they do not know, or write null. */
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
  ...{
    queries: NUMBER,
    bucketRows: NUMBER,
    k: NUMBER,
    nprobes: NUMBER,
    refineFactor: NUMBER,
    bucket: NAME,
    metric: NAME,
    model: NAME,
    mode: NAME,
  },
  ...{ background: z.nullish(BACKGROUND), maxEvalue: NUMBER, droppedQueries: z.nullish(DROPPED_QUERIES) },
  recall: z.nullish(
    z.union(
      [
        FRACTION,
        z.object({ mean: FRACTION, low: z.optional(FRACTION), high: z.optional(FRACTION), queries: z.optional(COUNT) }),
      ],
      'a share of 1, or an object with "mean"',
    ),
  ),
  estimates: z.nullish(z.array(z.object({ strategy: TEXT, seconds: AMOUNT }))),
  warnings: z.nullish(z.array(TEXT)),
});

/**
 * Reads a worker's report from parsed JSON.
 * @returns undefined if it is not a worker's report
 * @throws what `fail` returns, for a field of a wrong type or value
 */
export function toWorkerReport(json: unknown, fail: (problem: string) => Error): WorkerReport | undefined {
  if (!isRecord(json) || typeof json.command !== 'string') return undefined;
  const { estimates, recall, ...fields } = checkDocument(REPORT, json, fail);
  const known = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
  const report: WorkerReport = { command: fields.command, ...known };
  if (typeof recall === 'number') report.recall = { mean: recall };
  else if (recall) report.recall = recall;
  const chosen = estimates?.find(({ strategy }) => strategy === report.mode);
  if (chosen) {
    report.estimatedSeconds = chosen.seconds;
    report.otherStrategies = estimates!
      .filter((one) => one !== chosen)
      .map(({ strategy, seconds }) => ({ strategy, seconds }));
  }
  return report;
}

/** Sums the reports by command, in the order of the pipeline; other commands come last. */
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
  const place = ({ command }: Stage) =>
    (PIPELINE_ORDER.indexOf(command) + PIPELINE_ORDER.length + 1) % (PIPELINE_ORDER.length + 1);
  return [...stages.values()].sort((a, b) => place(a) - place(b) || (a.command < b.command ? -1 : 1));
}

/** Returns the reports of search-bucket, by bucket. */
export function searchesOf(reports: readonly WorkerReport[]): WorkerReport[] {
  const name = ({ bucket = '' }: WorkerReport) => bucket;
  return reports
    .filter(({ command }) => command === 'search-bucket')
    .sort((a, b) => (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0));
}

/** Lists the warnings of all workers, each once, with the bucket's name. */
export function warningsOf(reports: readonly WorkerReport[]): string[] {
  const all = reports.flatMap(({ bucket, warnings = [] }) =>
    warnings.map((text) => (bucket === undefined || text.startsWith(`${bucket}: `) ? text : `${bucket}: ${text}`)),
  );
  return [...new Set(all)].sort();
}

/**
 * Returns the recall of the merged neighbours: 1 if every bucket was searched exactly, or as measured by merge-hits. Undefined if it is
 * unknown.
 */
export function mergedRecall(reports: readonly WorkerReport[]): Recall | undefined {
  const searches = searchesOf(reports);
  if (searches.length > 0 && searches.every(({ mode }) => mode === 'exact')) return { mean: 1 };
  return reports.find(({ command, recall }) => command === 'merge-hits' && recall)?.recall;
}

/** Describes the database that was searched; undefined where the reports do not say. */
export function searchedDatabase(
  searches: readonly WorkerReport[],
): { rows: number; metric: string; model: string | undefined } | undefined {
  const rows = new Map(searches.map(({ bucket = '', bucketRows }) => [bucket, bucketRows]));
  const [{ metric, model } = {} as Partial<WorkerReport>] = searches;
  const counts = [...rows.values()].filter((count) => count !== undefined);
  if (metric === undefined || counts.length < rows.size) return undefined;
  return { rows: counts.reduce((sum, count) => sum + count, 0), metric, model };
}

/** Counts the queries; each search of a bucket may cover a range of them. */
export function queryCount(searches: readonly WorkerReport[]): number {
  const byBucket = new Map<string, number>();
  for (const { bucket = '', queries = 0 } of searches) byBucket.set(bucket, (byBucket.get(bucket) ?? 0) + queries);
  return Math.max(0, ...byBucket.values());
}
