import { AWS_PRICES } from '../../search/in-place/output/aws-prices.ts';
import type { CallUsage } from './ask-event.ts';

/** Prices in US dollars: us-east-1, x86, Lambda and Step Functions (standard workflows), January 2026. */
export const LAMBDA_PRICES = {
  gigabyteSecond: 0.0000166667,
  call: 0.2 / 1e6,
  /** PUT of an object. */
  s3Write: 0.005 / 1000,
  /** Transition of a state. */
  transition: 0.025 / 1000,
} as const;

/** Transitions of an execution without its searches, and of one search: of the execution, or of its own. */
const TRANSITIONS = { fixed: 6, search: 1, ownSearch: 3 };

/** Costs in dollars. */
export interface AskDollars {
  lambda: number;
  s3: number;
  stepFunctions: number;
  total: number;
}

/**
 * Returns what a question costs.
 * @param calls of all functions
 * @param searches of buckets, each of which writes a part
 * @param isDistributed whether each search is an execution of its own
 */
export function askDollars(calls: readonly CallUsage[], searches: number, isDistributed: boolean): AskDollars {
  const gigabyteSeconds = calls.reduce(
    (sum, { milliseconds, memoryMb }) => sum + (milliseconds / 1000) * (memoryMb / 1024),
    0,
  );
  const reads = calls.reduce((sum, { requests }) => sum + requests, 0);
  const lambda = gigabyteSeconds * LAMBDA_PRICES.gigabyteSecond + calls.length * LAMBDA_PRICES.call;
  // Queries, plan, CSV, Parquet and result are written besides the parts.
  const s3 = reads * AWS_PRICES.s3Read + (searches + 5) * LAMBDA_PRICES.s3Write;
  const transitions = TRANSITIONS.fixed + searches * (isDistributed ? TRANSITIONS.ownSearch : TRANSITIONS.search);
  const stepFunctions = transitions * LAMBDA_PRICES.transition;
  return { lambda, s3, stepFunctions, total: lambda + s3 + stepFunctions };
}
