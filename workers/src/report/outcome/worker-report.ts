import * as z from 'zod/mini';
import { AMOUNT, COUNT, checkDocument, FRACTION, isRecord, TEXT } from '../../base/text/document.ts';
import { BACKGROUND, type BucketBackground } from '../significance/background.ts';
import { DROPPED_QUERIES, type DroppedQueries } from '../significance/dropped-queries.ts';

/** The fields of a worker's `--json` report that the page shows; a missing or null field is undefined. */
export interface WorkerReport {
  command: string;
  rows?: number;
  seconds?: number;
  cpuSeconds?: number;
  bytes?: number;
  peakMemoryBytes?: number;
  /** When the command started: a time of ISO 8601. */
  started?: string;
  /** Cores of the machine, or of the container. */
  cores?: number;
  /** Bytes that the process read and wrote through the kernel. */
  bytesRead?: number;
  bytesWritten?: number;
  /** Of S3: requests, and bytes of their content. */
  requests?: number;
  bytesSent?: number;
  bytesReceived?: number;
  /** The result of an earlier run was kept. */
  alreadyDone?: boolean;
  dimension?: number;
  vectorType?: string;
  /** Kind of the index, of index-bucket. */
  indexKind?: string;
  /** This and the following three fields are of embed-sequences. */
  residues?: number;
  /** Vectors that were neither cached nor repeated. */
  computed?: number;
  device?: string;
  precision?: string;
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
  /** Time of choosing the strategy. */
  planSeconds?: number;
  searchSeconds?: number;
  /** Distances of unrelated pairs in the bucket, where it has a null distribution. */
  background?: BucketBackground;
  /** Of merge-hits: hits of all buckets. */
  hits?: number;
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
    planSeconds: NUMBER,
    searchSeconds: NUMBER,
  },
  ...{ started: NAME, cores: NUMBER, bytesRead: NUMBER, bytesWritten: NUMBER },
  ...{ requests: NUMBER, bytesSent: NUMBER, bytesReceived: NUMBER },
  ...{ residues: NUMBER, computed: NUMBER, dimension: NUMBER, device: NAME, precision: NAME, vectorType: NAME },
  ...{ alreadyDone: z.nullish(z.boolean()), index: z.nullish(z.object({ kind: TEXT })) },
  ...{
    queries: NUMBER,
    hits: NUMBER,
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
  const { estimates, recall, index, ...fields } = checkDocument(REPORT, json, fail);
  const known = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
  const report: WorkerReport = { command: fields.command, ...known };
  if (index) report.indexKind = index.kind;
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
