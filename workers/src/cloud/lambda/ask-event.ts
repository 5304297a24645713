import * as z from 'zod/mini';
import { AMOUNT, ATTRIBUTES, COUNT, onlyFields, SIZE, TEXT, textWhere, wholeNumber } from '../../base/text/document.ts';
import { isBucketName } from '../../database/catalog/bucket-name.ts';
import { ASK_SETTINGS } from '../../search/in-place/ask-settings.ts';

/** The documents that pass between client, state machine and functions (infra/lanceflow-ask.yaml). */

/** Bytes of JSON that Step Functions accepts as input and output of a state. Larger queries go by S3. */
export const MOST_EVENT_BYTES = 256 * 1024;
/** Buckets of a question: their answers, or all their errors, must fit into MOST_EVENT_BYTES. */
export const MOST_BUCKETS = 400;
/** Characters of an error's message. */
export const MOST_MESSAGE = 350;
/** Bytes of stored queries: 10,000 of 4,096 components have 164 MB. */
export const MOST_QUERY_BYTES = 2 ** 28;

const BUCKET = textWhere(isBucketName, 'the name of a bucket');
/** Name of an execution. Every object of a question is named after it, so a repeated call writes the same objects. */
const EXECUTION = textWhere((name) => /^[A-Za-z0-9_-]{1,80}$/.test(name), 'the name of an execution');

/** Key of a queries file in the results' bucket. */
const QUERIES_KEY = textWhere((key) => /^queries\/[A-Za-z0-9_-]+\.parquet$/.test(key), 'queries/NAME.parquet');

/** Vectors within an event. */
const VECTORS = onlyFields({
  ids: z.array(TEXT).check(z.minLength(1, 'a list that is not empty')),
  dimension: SIZE,
  /** Float32 in little-endian order, as base64: [ids, D]. */
  values: TEXT,
  attributes: ATTRIBUTES,
});

/** A question: the input of an execution. It has sequences, vectors, or neither, if a client has stored the queries on S3. */
export type AskEvent = z.infer<typeof ASK_EVENT>;
export const ASK_EVENT = onlyFields({
  /** FASTA, or one sequence. */
  sequences: z.optional(TEXT),
  vectors: z.optional(VECTORS),
  stored: z.optional(QUERIES_KEY),
  settings: onlyFields(ASK_SETTINGS.shape),
  buckets: z.optional(z.array(BUCKET).check(z.minLength(1, 'a list that is not empty'))),
  concurrency: z.optional(wholeNumber(1)),
  allowPartial: z._default(z.boolean('true or false'), false),
  /** The state machine adds the answer of `embed`. */
  embedded: z.optional(z.unknown()),
});

/** What `embed` and `plan` receive. */
export const REQUEST_EVENT = z.object({ execution: EXECUTION, request: ASK_EVENT });

/** What a call took: for costs. */
export type CallUsage = z.infer<typeof CALL_USAGE>;
const CALL_USAGE = z.object({ milliseconds: AMOUNT, memoryMb: COUNT, diskMb: COUNT, requests: COUNT, bytes: COUNT });

/** The output of `embed`, as the state machine adds it to a question. */
export const EMBEDDED = z.object({ Payload: z.object({ usage: CALL_USAGE }) });

/** A bucket of a plan, with the fingerprint of its table: the answers of all buckets are those of one state of the database. */
const PLANNED_BUCKET = z.object({ name: BUCKET, fingerprint: TEXT });

const QUERIES = z.object({ key: QUERIES_KEY, count: SIZE });

/** The output of `plan`. */
export type AskPlan = z.infer<typeof ASK_PLAN>;
export const ASK_PLAN = z.object({
  execution: EXECUTION,
  queries: QUERIES,
  settings: ASK_SETTINGS,
  buckets: z.array(PLANNED_BUCKET),
  bucketCount: SIZE,
  concurrency: SIZE,
  allowPartial: z.boolean('true or false'),
  startedMs: AMOUNT,
  /** Of `embed` and `plan`. */
  calls: z.array(CALL_USAGE),
});

/** What `search-bucket` receives. */
export const SEARCH_EVENT = z.object({
  execution: EXECUTION,
  bucket: PLANNED_BUCKET,
  queries: QUERIES,
  settings: ASK_SETTINGS,
});

/** The output of `search-bucket`; the hits themselves are on S3. */
export type PartSummary = z.infer<typeof PART_SUMMARY>;
export const PART_SUMMARY = z.object({
  bucket: BUCKET,
  fingerprint: TEXT,
  /** Rows that the filter selects, and hits found. */
  rows: COUNT,
  hits: COUNT,
  strategy: TEXT,
  nprobes: COUNT,
  refineFactor: COUNT,
  /** Whether LanceDB made some of the requests itself, which are estimated. */
  isEstimated: z.boolean('true or false'),
  usage: CALL_USAGE,
});

/** A search that failed, as the state machine names it. */
export type PartFailure = z.infer<typeof PART_FAILURE>;
export const PART_FAILURE = z.object({
  bucket: BUCKET,
  failure: z.object({ Error: z.string(), Cause: z._default(z.string(), '') }),
});

/** What `aggregate` receives. */
export type AggregateEvent = z.infer<typeof AGGREGATE_EVENT>;
export const AGGREGATE_EVENT = z.extend(ASK_PLAN, {
  parts: z.array(z.union([PART_SUMMARY, PART_FAILURE], 'an answer or a failure of a bucket')),
});

/** The output of an execution. */
export type AskResult = z.infer<typeof ASK_RESULT>;
export const ASK_RESULT = z.object({
  execution: EXECUTION,
  /** Addresses of the neighbours on S3. */
  csv: TEXT,
  parquet: TEXT,
  rows: COUNT,
  queries: COUNT,
  settings: ASK_SETTINGS,
  buckets: z.array(PART_SUMMARY),
  vectors: COUNT,
  failed: z.array(z.object({ bucket: BUCKET, error: TEXT })),
  /** Probed partitions a query, over all buckets, and their refine factors. */
  recall: z.object({ nprobes: COUNT, refineFactors: z.array(COUNT) }),
  read: z.object({ requests: COUNT, bytes: COUNT }),
  seconds: AMOUNT,
  dollars: z.object({ lambda: AMOUNT, s3: AMOUNT, stepFunctions: AMOUNT, total: AMOUNT }),
});
