import { AWS_PRICES } from '../../search/in-place/output/aws-prices.ts';
import type { CallUsage } from './ask-event.ts';

/** Transitions of an execution without its searches, and of one search: of the execution, or of its own. */
const TRANSITIONS = { fixed: 6, search: 1, ownSearch: 3 };
/** Objects of a question besides the parts: queries, plan, CSV, Parquet, result. */
const OTHER_OBJECTS = 5;
/** Disk that every function has without a price. */
const FREE_DISK_MB = 512;

/** Costs in dollars. */
export interface AskDollars {
  lambda: number;
  s3: number;
  stepFunctions: number;
  total: number;
}

/**
 * Returns what a question costs: the calls of its functions with their memory and disk, the requests to S3, and the transitions of states. The
 * start of cold functions, attempts that were repeated, logs and storage are not included.
 * @param calls of all functions
 * @param searches of buckets, each of which writes a part
 * @param isDistributed whether each search is an execution of its own
 */
export function askDollars(calls: readonly CallUsage[], searches: number, isDistributed: boolean): AskDollars {
  const lambda = calls.reduce((sum, call) => sum + callDollars(call), 0);
  const reads = calls.reduce((sum, { requests }) => sum + requests, 0);
  const s3 = reads * AWS_PRICES.s3Read + (searches + OTHER_OBJECTS) * AWS_PRICES.s3Write;
  const transitions = TRANSITIONS.fixed + searches * (isDistributed ? TRANSITIONS.ownSearch : TRANSITIONS.search);
  const stepFunctions = transitions * AWS_PRICES.transition;
  return { lambda, s3, stepFunctions, total: lambda + s3 + stepFunctions };
}

function callDollars({ milliseconds, memoryMb, diskMb }: CallUsage): number {
  const memory = (memoryMb / 1024) * AWS_PRICES.lambdaGigabyteSecond;
  const disk = (Math.max(0, diskMb - FREE_DISK_MB) / 1024) * AWS_PRICES.lambdaDiskGigabyteSecond;
  return AWS_PRICES.lambdaCall + (milliseconds / 1000) * (memory + disk);
}
