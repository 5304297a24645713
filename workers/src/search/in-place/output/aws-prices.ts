/**
 * Prices of AWS in US dollars, of all that answers questions in place: us-east-1, January 2026, functions on x86, standard workflows.
 * https://aws.amazon.com/s3/pricing/, https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/step-functions/pricing/
 */
export const AWS_PRICES = {
  date: '2026-01',
  region: 'us-east-1',
  /** GET, SELECT and HEAD, each. */
  s3Read: 0.0004 / 1000,
  /** PUT, each. */
  s3Write: 0.005 / 1000,
  /** A second of a gigabyte of a function's memory, and of its disk beyond 512 MB. */
  lambdaGigabyteSecond: 0.0000166667,
  lambdaDiskGigabyteSecond: 0.0000000309,
  /** A call of a function. */
  lambdaCall: 0.2 / 1e6,
  /** A transition of a state. */
  transition: 0.025 / 1000,
  /** A gigabyte from S3 to the internet; inside the region it costs nothing. */
  s3Gigabyte: 0.09,
} as const;

/** Returns what reading from S3 costs, in dollars: in the region of the bucket, and from outside AWS. */
export function readingCost({ requests, bytes }: { requests: number; bytes: number }) {
  const inRegion = requests * AWS_PRICES.s3Read;
  return { inRegion, outside: inRegion + (bytes / 1e9) * AWS_PRICES.s3Gigabyte };
}
