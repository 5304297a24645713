import { LAMBDA_PRICES } from '../../workers/src/cloud/lambda/ask-price.ts';
import { AWS_PRICES } from '../../workers/src/search/in-place/output/aws-prices.ts';
import type { Machine } from '../scale/machine.ts';

/** What a handler took for one kind of question: bench/results/ask.json. */
export interface MeasuredQuestion {
  k: number;
  queries: number;
  /** Rows and dimension of the measured bucket. */
  rows: number;
  dimension: number;
  nprobes: number;
  refineFactor: number;
  /** Codes and centroids that the first question of as many queries reads, of the measured bucket. */
  indexBytes: number;
  /** Milliseconds of a new process before its first request, and of its first question. */
  startMs: number;
  coldMs: number;
  coldReads: { requests: number; bytes: number };
  /** Processors of the measured machine. */
  cores: number;
}

/** A database on AWS. */
export interface AskedDatabase {
  rows: number;
  bucketRows: number;
  memoryMb: number;
}

export interface QuestionCost {
  buckets: number;
  /** Read of each bucket. */
  bytes: number;
  requests: number;
  seconds: number;
  dollars: number;
}

/** Bytes that a function reads a second at most, an assumption: 600 Mbit. */
export const FUNCTION_BYTES_PER_SECOND = 75e6;
/** Memory for each processor of a function. */
const MB_PER_CORE = 1769;
/** Bytes of a request that continues a long range. */
const REQUEST_BYTES = 8e6;

/** Returns the bytes of vectors that are rescored: those of the candidates, of which the probed partitions have enough or are all taken. */
export function rescoredBytes(
  { k, queries, nprobes, refineFactor, dimension }: Omit<MeasuredQuestion, 'indexBytes'>,
  bucketRows: number,
): number {
  const probedRows = nprobes * Math.sqrt(bucketRows);
  return queries * Math.max(k, Math.min(k * refineFactor, probedRows)) * dimension * 4;
}

/**
 * Estimates a question, all of whose searches start cold. With the same number of probes, codes and centroids that are read grow with the
 * square root of the rows, as partitions do; the vectors that are rescored grow only while the probed partitions lack candidates.
 * Computing grows as reading does.
 */
export function questionCost(measured: MeasuredQuestion, { rows, bucketRows, memoryMb }: AskedDatabase): QuestionCost {
  const buckets = rows / bucketRows;
  const growth = Math.sqrt(bucketRows / measured.rows);
  const { coldReads, indexBytes } = measured;
  const bytes = indexBytes * growth + rescoredBytes(measured, bucketRows);
  const requests = coldReads.requests + Math.max(0, bytes - coldReads.bytes) / REQUEST_BYTES;
  const computing = (measured.coldMs / 1000) * (bytes / coldReads.bytes);
  const slower = Math.max(1, measured.cores / (memoryMb / MB_PER_CORE));
  const searching = Math.max(computing * slower, bytes / FUNCTION_BYTES_PER_SECOND);
  const seconds = (measured.startMs / 1000) * slower + searching;
  const lambda = seconds * (memoryMb / 1024) * LAMBDA_PRICES.gigabyteSecond + LAMBDA_PRICES.call;
  const s3 = requests * AWS_PRICES.s3Read + LAMBDA_PRICES.s3Write;
  return { buckets, bytes, requests, seconds, dollars: buckets * (lambda + s3 + LAMBDA_PRICES.transition) };
}

/**
 * Returns the number of questions from which a campaign of `ann` is cheaper: it fetches all tables once, whatever the number of its queries.
 * @param tableBytes of a vector with its codes
 */
export function questionsForCampaign(dollars: number, rows: number, tableBytes: number, machine: Machine): number {
  const seconds = (rows * tableBytes) / Math.min(machine.networkBytesPerSecond, machine.diskBytesPerSecond);
  return Math.ceil(((seconds / 3600) * machine.dollarsPerHour) / dollars);
}
