import { type AskDollars, askDollars } from '../../workers/src/cloud/lambda/ask-price.ts';
import type { Machine } from '../../workers/src/forecast/model/model-machine.ts';
import {
  FUNCTION_BYTES_PER_SECOND,
  MB_PER_CORE,
  REQUEST_BYTES,
  vectorReads,
} from '../../workers/src/search/in-place/search-needs.ts';

/** What a handler took for the first question of its process: bench/results/ask.json. */
export interface MeasuredQuestion {
  k: number;
  queries: number;
  coldMs: number;
  coldReads: { requests: number; bytes: number };
}

/** The bucket of the measurements. */
export interface MeasuredBucket {
  rows: number;
  dimension: number;
  componentBytes: number;
  nprobes: number;
  refineFactor: number;
  /** Processors of the machine. */
  cores: number;
  /** Milliseconds of a process before its first question. */
  startMs: number;
  questions: readonly MeasuredQuestion[];
}

/** A database on AWS, and the functions that search it. */
export interface AskedDatabase {
  rows: number;
  bucketRows: number;
  memoryMb: number;
  diskMb: number;
}

export interface QuestionCost {
  buckets: number;
  /** Read of each bucket. */
  bytes: number;
  requests: number;
  /** Of one search. */
  seconds: number;
  dollars: AskDollars;
}

/** Other functions of a question with an embedded sequence, assumptions: cold, a few requests, and a merge of what the searches found. */
const OTHER_CALLS = [
  { milliseconds: 2000, memoryMb: 3008, diskMb: 2048, requests: 5, bytes: 1e6 },
  { milliseconds: 2000, memoryMb: 1769, diskMb: 512, requests: 25, bytes: 1e6 },
];
const MERGE = { milliseconds: 2000, memoryMb: 2048, diskMb: 4096 };
const MERGED_HITS_PER_SECOND = 1e6;
/** More buckets are searched in executions of their own. */
const LARGE = 40;

/** Rates of a handler: milliseconds = fixed + byte * bytes + request * requests. */
export interface HandlerTimes {
  fixed: number;
  byte: number;
  request: number;
}

/**
 * Fits the times of a handler to measured questions, by least squares of the relative errors without negative terms, so that a question that reads
 * more is never quicker.
 */
export function fitTimes(questions: readonly MeasuredQuestion[]): HandlerTimes {
  const rows = questions.map(({ coldMs, coldReads }) =>
    [1, coldReads.bytes, coldReads.requests].map((x) => x / coldMs),
  );
  let best = { error: Number.POSITIVE_INFINITY, terms: [0, 0, 0] };
  // All subsets of the three terms: the others are 0.
  for (const used of [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]]) {
    if (used.length > rows.length) continue;
    const found = leastSquares(rows.map((row) => used.map((term) => row[term]!)));
    if (found.some((value) => !(value >= 0))) continue;
    const terms = [0, 1, 2].map((term) => (used.includes(term) ? found[used.indexOf(term)]! : 0));
    const error = rows.reduce((sum, row) => sum + (row.reduce((at, x, i) => at + x * terms[i]!, 0) - 1) ** 2, 0);
    if (error < best.error) best = { error, terms };
  }
  const [fixed = 0, byte = 0, request = 0] = best.terms;
  return { fixed, byte, request };
}

/** Solves min |A x - 1| by the normal equations. */
function leastSquares(rows: number[][]): number[] {
  const size = rows[0]!.length;
  const matrix = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0)),
    rows.reduce((sum, row) => sum + row[i]!, 0),
  ]);
  for (let pivot = 0; pivot < size; pivot++) {
    for (let i = 0; i < size; i++) {
      if (i === pivot) continue;
      const factor = matrix[i]![pivot]! / matrix[pivot]![pivot]!;
      matrix[i] = matrix[i]!.map((value, j) => value - factor * matrix[pivot]![j]!);
    }
  }
  return matrix.map((row, i) => row[size]! / row[i]!);
}

/** Bytes of the vectors that queries read, and the requests for them. */
function readsOfVectors(bucket: MeasuredBucket, k: number, queries: number, bucketRows: number) {
  const { nprobes, refineFactor, dimension, componentBytes } = bucket;
  const probed = Math.max(k, nprobes * Math.sqrt(bucketRows));
  const rescored = Math.max(k, Math.min(k * refineFactor, probed));
  const { bytes, requests } = vectorReads(rescored, probed, dimension * componentBytes);
  return { bytes: queries * bytes, requests: queries * requests };
}

/**
 * Estimates what the first question of a process reads of a bucket. With the same number of probes, codes and centroids grow with the square root of
 * the rows, as partitions do. A larger k never reads less.
 */
export function questionReads(bucket: MeasuredBucket, k: number, queries: number, bucketRows: number) {
  const same = bucket.questions.filter((one) => one.queries === queries).sort((a, b) => a.k - b.k);
  const [least] = same;
  if (!least) throw new RangeError(`no question of ${queries} queries was measured`);
  const growth = Math.sqrt(bucketRows / bucket.rows);
  // With the smallest k, the fewest vectors are read besides codes and centroids.
  const others = readsOfVectors(bucket, least.k, queries, bucket.rows);
  const index = {
    bytes: Math.max(0, least.coldReads.bytes - others.bytes),
    requests: Math.max(0, least.coldReads.requests - others.requests),
  };
  const reads = [...same.filter((one) => one.k < k).map((one) => one.k), k].map((each) =>
    readsOfVectors(bucket, each, queries, bucketRows),
  );
  return {
    bytes: index.bytes * growth + Math.max(...reads.map(({ bytes }) => bytes)),
    requests:
      index.requests +
      (index.bytes * (growth - 1)) / REQUEST_BYTES +
      Math.max(...reads.map(({ requests }) => requests)),
  };
}

/** Estimates a question, all of whose functions start cold, with the same prices as the answer of an execution has. */
export function questionCost(
  bucket: MeasuredBucket,
  { k, queries }: { k: number; queries: number },
  { rows, bucketRows, memoryMb, diskMb }: AskedDatabase,
): QuestionCost {
  const { bytes, requests } = questionReads(bucket, k, queries, bucketRows);
  const { fixed, byte, request } = fitTimes(bucket.questions);
  const slower = Math.max(1, bucket.cores / (memoryMb / MB_PER_CORE));
  const searching = Math.max(
    ((fixed + byte * bytes + request * requests) / 1000) * slower,
    bytes / FUNCTION_BYTES_PER_SECOND,
  );
  const seconds = (bucket.startMs / 1000) * slower + searching;
  const buckets = Math.ceil(rows / bucketRows);
  const search = { milliseconds: seconds * 1000, memoryMb, diskMb, requests, bytes };
  const hits = buckets * queries * k;
  const merge = { ...MERGE, requests: buckets + 1, bytes: 0 };
  merge.milliseconds += (hits / MERGED_HITS_PER_SECOND) * 1000;
  const calls = [...Array.from({ length: buckets }, () => search), ...OTHER_CALLS, merge];
  return { buckets, bytes, requests, seconds, dollars: askDollars(calls, buckets, buckets > LARGE) };
}

/**
 * Returns the number of questions from which a campaign of `ann` is cheaper: it fetches all tables once, whatever the number of its queries.
 * @param tableBytes of a vector with its codes
 */
export function questionsForCampaign(dollars: number, rows: number, tableBytes: number, machine: Machine): number {
  const seconds = (rows * tableBytes) / Math.min(machine.networkBytesPerSecond, machine.diskBytesPerSecond);
  return Math.ceil(((seconds / 3600) * machine.dollarsPerHour) / dollars);
}
