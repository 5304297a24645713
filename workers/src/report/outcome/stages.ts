import type { Recall, WorkerReport } from './worker-report.ts';

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
  ...['split-sequences', 'embed-sequences', 'import-vectors', 'describe-shard'],
  ...['pack-buckets', 'ingest-bucket', 'index-bucket'],
  ...['fetch-queries', 'plan-search', 'search-bucket', 'merge-hits', 'fetch-columns', 'align-neighbours'],
];

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
  return [...stages.values()].sort((a, b) => compareCommands(a.command, b.command));
}

/** Compares the names of two commands by the order of the pipeline, in which other commands come last. */
export function compareCommands(a: string, b: string): number {
  const place = (command: string) =>
    (PIPELINE_ORDER.indexOf(command) + PIPELINE_ORDER.length + 1) % (PIPELINE_ORDER.length + 1);
  return place(a) - place(b) || (a < b ? -1 : a > b ? 1 : 0);
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
