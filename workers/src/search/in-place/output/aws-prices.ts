/** Prices of AWS in US dollars: us-east-1, January 2026. https://aws.amazon.com/s3/pricing/ */
export const AWS_PRICES = {
  date: '2026-01',
  region: 'us-east-1',
  /** GET, SELECT and HEAD, each. */
  s3Read: 0.0004 / 1000,
  /** A gigabyte from S3 to the internet; inside the region it costs nothing. */
  s3Gigabyte: 0.09,
} as const;

/** Returns what reading from S3 costs, in dollars: in the region of the bucket, and from outside AWS. */
export function readingCost({ requests, bytes }: { requests: number; bytes: number }) {
  const inRegion = requests * AWS_PRICES.s3Read;
  return { inRegion, outside: inRegion + (bytes / 1e9) * AWS_PRICES.s3Gigabyte };
}

/** Formats a small amount with two digits that count. */
export function formatDollars(amount: number): string {
  if (amount === 0) return '$0';
  return amount >= 1
    ? `$${amount.toFixed(2)}`
    : `$${Number(amount.toPrecision(2)).toFixed(Math.min(9, 1 - Math.floor(Math.log10(amount))))}`;
}
