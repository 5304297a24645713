import * as z from 'zod/mini';
import { DataError } from '../base/errors.ts';
import { AMOUNT, COUNT, checkDocument, choice, isRecord, parseJson, SIZE, TEXT } from '../base/text/document.ts';

/** The format that this version writes. */
export const OUTCOME_FORMAT = 1;

/** What the cost of a task depends on, besides its amount of work; a command states what applies to it. */
const SETTINGS = z.object({
  model: z.optional(TEXT),
  dimension: z.optional(SIZE),
  device: z.optional(TEXT),
  precision: z.optional(TEXT),
  vectorType: z.optional(TEXT),
  metric: z.optional(TEXT),
  /** Kind of the index. */
  index: z.optional(TEXT),
  /** Strategy of a search. */
  strategy: z.optional(TEXT),
  k: z.optional(SIZE),
  nprobes: z.optional(COUNT),
  refineFactor: z.optional(COUNT),
});

/** The tasks of one command with the same settings. Amounts are sums over the tasks, unless they say otherwise. */
const OUTCOME_STAGE = z.object({
  command: TEXT,
  settings: SETTINGS,
  /** `found`: the tasks found their result from an earlier run, so their times say nothing about the work. */
  state: choice(['done', 'found']),
  tasks: SIZE,
  rows: COUNT,
  /** Some of the tasks may have run at the same time. */
  seconds: AMOUNT,
  longestSeconds: AMOUNT,
  /** Time in which at least one of the tasks ran. */
  wallSeconds: z.optional(AMOUNT),
  cpuSeconds: AMOUNT,
  /** Maximum over the tasks. */
  peakMemoryBytes: COUNT,
  /** Cores of the tasks' machines or containers: the fewest, as not all tasks may have run on the same. */
  cores: z.optional(SIZE),
  /** Bytes of the outputs. */
  bytes: COUNT,
  /** Bytes that the tasks read and wrote through the kernel, also of temporary files. */
  bytesRead: z.optional(COUNT),
  bytesWritten: z.optional(COUNT),
  /** Requests to S3, and bytes of their content. */
  requests: COUNT,
  bytesSent: COUNT,
  bytesReceived: COUNT,
  /** Amounts of work, where the command has them. */
  residues: z.optional(COUNT),
  /** Vectors that a model computed: the others were cached or repeated. */
  computed: z.optional(COUNT),
  queries: z.optional(COUNT),
  /** Hits that were merged. */
  hits: z.optional(COUNT),
  /** Rows of the searched buckets. */
  bucketRows: z.optional(COUNT),
  /** Pairs of a query and a row of the bucket in which it was searched: for each task, queries times rows. */
  pairs: z.optional(AMOUNT),
  /** Parts of `seconds`: choosing the strategy, and searching. */
  planSeconds: z.optional(AMOUNT),
  searchSeconds: z.optional(AMOUNT),
});

/** What a run took, from the `--json` reports of its tasks. */
const OUTCOME = z.object({
  format: z.literal(OUTCOME_FORMAT),
  /** Version of LanceFlow. */
  version: TEXT,
  /** When the last task ended: a time of ISO 8601. */
  finished: z.optional(TEXT),
  /** Time in which at least one task ran. */
  wallSeconds: z.optional(AMOUNT),
  stages: z.array(OUTCOME_STAGE),
  /** Of earlier runs with the same `--outdir`: stages that this run did not do. */
  earlier: z.optional(z.array(OUTCOME_STAGE)),
});

export type OutcomeSettings = z.infer<typeof SETTINGS>;
export type OutcomeStage = z.infer<typeof OUTCOME_STAGE>;
export type Outcome = z.infer<typeof OUTCOME>;

/**
 * Parses an outcome.
 * @param where its file, for messages
 * @throws DataError for a text that is no outcome, and for one of another format
 */
export function parseOutcome(text: string, where: string): Outcome {
  const json = parseJson(text);
  if (!isRecord(json) || json.format === undefined) throw damaged(where, 'it is not an outcome');
  if (json.format !== OUTCOME_FORMAT)
    throw new DataError(
      `${where}: this outcome has format ${JSON.stringify(json.format)}, and this version of LanceFlow reads format ${OUTCOME_FORMAT}. ` +
        'Name one that this version wrote, or none.',
    );
  return checkDocument(OUTCOME, json, (problem) => damaged(where, problem));
}

function damaged(where: string, problem: string): DataError {
  return new DataError(
    `${where}: this outcome is damaged: ${problem}. Name the outcome.json that a run wrote, or none.`,
  );
}

/** Serializes an outcome. */
export function outcomeText(outcome: Outcome): string {
  return `${JSON.stringify(outcome, null, 2)}\n`;
}
