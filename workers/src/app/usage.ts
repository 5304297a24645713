/** Counts of this process's requests to S3, for `--json`. */
export interface S3Usage {
  /** Retries included. */
  requests: number;
  /** Requests that were retried after a fault, or that fetched the rest of a truncated body. */
  retries: number;
  /** Bytes of bodies, without headers. */
  sentBytes: number;
  receivedBytes: number;
}

const usage: S3Usage = { requests: 0, retries: 0, sentBytes: 0, receivedBytes: 0 };

/** Returns the counts so far. */
export function s3Usage(): S3Usage {
  return { ...usage };
}

export function countRetry(): void {
  usage.retries++;
}

/** Subtracts bytes that a response announced but did not deliver. */
export function countMissing(bytes: number): void {
  usage.receivedBytes -= bytes;
}

export function countRequest(): void {
  usage.requests++;
}

export function countSent(body: unknown): void {
  if (typeof body === 'string') usage.sentBytes += Buffer.byteLength(body);
  else if (body instanceof Uint8Array) usage.sentBytes += body.byteLength;
}

/** Adds the bytes that a response announces. */
export function countReceived(bytes: string | undefined): void {
  usage.receivedBytes += Number(bytes ?? 0);
}
