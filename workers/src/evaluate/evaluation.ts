import * as z from 'zod/mini';
import { LANCEFLOW_VERSION } from '../app/version.ts';
import { AMOUNT, COUNT, checkDocument, choice, isRecord, SIZE, TEXT, textWhere } from '../base/text/document.ts';
import { parseJsonText } from '../base/text/json-text.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { SEARCH_STRATEGIES } from '../search/plan/strategies.ts';
import { ESTIMATE } from '../vectors/recall.ts';
import { badEvaluation, otherFormat } from './evaluate-messages.ts';

const TIME = textWhere((text) => !Number.isNaN(Date.parse(text)), 'a time (ISO 8601)');

/** Settings of a search. */
const SETTINGS = {
  strategy: choice(SEARCH_STRATEGIES),
  /** Not of `exact`. */
  nprobes: z.optional(SIZE),
  /** Only of `ann`. */
  refineFactor: z.optional(COUNT),
};
export type PointSettings = z.infer<typeof POINT_SETTINGS>;
const POINT_SETTINGS = z.object(SETTINGS);

/** A point of the grid: settings, and what a search with them finds and costs. */
export type EvaluationPoint = z.infer<typeof EVALUATION_POINT>;
const EVALUATION_POINT = z.object({
  ...SETTINGS,
  /** Recall@k over the queries, with its 95% interval. */
  recall: ESTIMATE,
  /** Wall time of the searches of all buckets, divided by the queries, which are searched together. */
  secondsPerQuery: AMOUNT,
  /** Bytes of vectors and index that the searches of all queries read. */
  bytesRead: COUNT,
  /** Bytes of the files that a search fetches first where the database is on S3. */
  bytesFetched: COUNT,
});

/** What `evaluate` measures of a database, and what is known of each measurement. */
const MEASUREMENT = {
  format: z.literal(1),
  /** Of LanceFlow. */
  version: TEXT,
  measured: TIME,
  /** Fingerprint of each bucket that was searched. */
  buckets: z.record(z.string(), TEXT),
  k: SIZE,
  queries: SIZE,
};

/** `evaluation.json`: recall and cost of searches over a grid of settings. Format: docs/formats.md. */
export type Evaluation = z.infer<typeof EVALUATION>;
const EVALUATION = z.object({
  ...MEASUREMENT,
  database: TEXT,
  /** Whether the queries are rows of the database, whose own hits are not counted. */
  excludesSelf: z.boolean(),
  targetRecall: AMOUNT,
  points: z.array(EVALUATION_POINT),
  /** Position of the recommended point; absent where no point reaches the target. */
  recommended: z.optional(COUNT),
});

/** Says what was measured, of which tables, with which version, and when. */
export function measurementOf(database: Database, entries: readonly CatalogEntry[], k: number) {
  return {
    format: 1 as const,
    version: LANCEFLOW_VERSION,
    measured: new Date().toISOString(),
    database: database.uri,
    buckets: Object.fromEntries(entries.map(({ bucket, fingerprint }) => [bucket, fingerprint])),
    k,
  };
}

/** `_evaluations/latest.json` in the database: the recall that was measured last, which `catalog` shows. */
export type LastRecall = z.infer<typeof LAST_RECALL>;
const LAST_RECALL = z.object({ ...MEASUREMENT, ...SETTINGS, recall: ESTIMATE });

/**
 * Returns the position of the quickest point whose interval begins at the target or above; undefined where none does. Of equally quick
 * ones, the one with the higher recall.
 */
export function recommendedPoint(
  points: readonly Pick<EvaluationPoint, 'recall' | 'secondsPerQuery'>[],
  targetRecall: number,
): number | undefined {
  const [best] = [...points.entries()]
    .filter(([, { recall }]) => recall.low >= targetRecall)
    .sort(([, a], [, b]) => a.secondsPerQuery - b.secondsPerQuery || b.recall.mean - a.recall.mean);
  return best?.[0];
}

/** Parses the recall that was measured last. @param where the file, for messages @throws DataError for any other text */
export function parseLastRecall(text: string, where: string): LastRecall {
  const fail = (problem: string) => badEvaluation(where, problem);
  let value: unknown;
  try {
    value = parseJsonText(text);
  } catch {
    throw fail('not JSON');
  }
  if (isRecord(value) && value.format !== 1) throw otherFormat(where, value.format);
  return checkDocument(LAST_RECALL, value, fail);
}

/** Returns the measurement of the recommended point, or else of the one with the highest recall, for the database. */
export function lastRecallOf(evaluation: Evaluation): LastRecall {
  const { format, version, measured, buckets, k, queries, points, recommended } = evaluation;
  const best = points.toSorted((a, b) => b.recall.mean - a.recall.mean || a.secondsPerQuery - b.secondsPerQuery)[0]!;
  const { strategy, nprobes, refineFactor, recall } = recommended === undefined ? best : points[recommended]!;
  return { format, version, measured, buckets, k, queries, strategy, nprobes, refineFactor, recall };
}
