import * as z from 'zod/mini';
import { AMOUNT, COUNT, checkDocument, choice, isRecord, SIZE, TEXT } from '../base/text/document.ts';
import { parseJsonText } from '../base/text/json-text.ts';
import { badRunPlan, otherRunPlanFormat } from './forecast-messages.ts';

/** An estimate, and its interval: a factor that follows from where the rates come from (docs/planning.md). */
export type Interval = z.infer<typeof INTERVAL>;
const INTERVAL = z
  .object({ estimate: AMOUNT, low: AMOUNT, high: AMOUNT })
  .check(z.refine(({ estimate, low, high }) => low <= estimate && estimate <= high, 'low <= estimate <= high'));

/** Where rates come from: the checked-in measurements, a calibration, or, best, this database or an earlier run. */
const RATE_SOURCES = ['measured', 'calibrated', 'catalog', 'outcome'] as const;

/** Figures of a stage, and of the run. */
const FIGURES = {
  /** Wall time: of a stage with as many tasks at once as the machine or the profile allows. */
  hours: INTERVAL,
  cpuHours: INTERVAL,
  /** From the inputs, the database or its machine's disk. */
  bytesRead: AMOUNT,
  /** What the commands report as `bytes`. */
  bytesWritten: AMOUNT,
  /** Of `bytesWritten`, what stays in the database, in `--outdir` or in kept embeddings. */
  bytesStored: AMOUNT,
  /** To S3. */
  requests: AMOUNT,
  /** Of machines and requests; absent where a price is unknown. */
  dollars: z.optional(INTERVAL),
};

export type PlannedStage = z.infer<typeof PLANNED_STAGE>;
const PLANNED_STAGE = z.object({
  /** The worker's command, as in its reports. */
  command: TEXT,
  tasks: COUNT,
  /** Share of its machine that a task holds while it runs. */
  machineShare: z.optional(AMOUNT),
  /** Of that machine; absent where it is unknown. */
  dollarsPerHour: z.optional(AMOUNT),
  /** Of `requests`. */
  requestDollars: z.optional(AMOUNT),
  ...FIGURES,
});

/** Machine of the tasks that build and search. */
const PLANNED_MACHINE = z.object({
  name: TEXT,
  cpus: SIZE,
  memoryGiB: AMOUNT,
  /** Of its fast disk. */
  diskGB: AMOUNT,
  dollarsPerHour: z.optional(AMOUNT),
  /** Of the price. */
  date: TEXT,
});

const BUCKET_CHOICE = z.object({
  rows: SIZE,
  buckets: COUNT,
  hours: AMOUNT,
  dollars: AMOUNT,
  /** Wall time of searching one bucket, where queries are planned. */
  searchHours: z.optional(AMOUNT),
  /** Why this size is impossible, such as the machine's disk. */
  problem: z.optional(TEXT),
});

/** The document that `plan` writes: an estimate of what a run takes. */
export type RunPlan = z.infer<typeof RUN_PLAN>;
const RUN_PLAN = z.object({
  format: z.literal(1),
  /** Of LanceFlow. */
  version: TEXT,
  rates: z.array(z.object({ stage: TEXT, source: choice(RATE_SOURCES), from: TEXT })),
  machine: PLANNED_MACHINE,
  /** In the order of the pipeline. */
  stages: z.array(PLANNED_STAGE),
  total: z.object(FIGURES),
  /** Of a month in which S3 keeps the total's `bytesStored`; absent for a database in a folder. */
  storageDollarsPerMonth: z.optional(AMOUNT),
  search: z.optional(
    z.object({
      strategy: choice(['ann', 'scan', 'exact']),
      /** Seconds of searching one bucket, quickest first. */
      estimates: z.array(z.object({ strategy: choice(['ann', 'scan', 'exact']), seconds: AMOUNT })),
    }),
  ),
  bucketSize: z.optional(z.object({ goal: TEXT, chosen: SIZE, choices: z.array(BUCKET_CHOICE) })),
  /** Sentences about what the plan does not count, or could not know. */
  notes: z.optional(z.array(TEXT)),
});

/**
 * Parses the document of `plan`.
 * @param where the file, for messages
 * @throws DataError for any other text, and for a document of another format
 */
export function parseRunPlan(text: string, where: string): RunPlan {
  let json: unknown;
  try {
    json = parseJsonText(text);
  } catch {
    throw badRunPlan(where, 'it is not JSON');
  }
  if (isRecord(json) && json.format !== undefined && json.format !== 1)
    throw otherRunPlanFormat(where, json.format, json.version);
  return checkDocument(RUN_PLAN, json, (problem) => badRunPlan(where, problem));
}
