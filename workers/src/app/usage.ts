/** What this process asked of S3, for `--json`. */
export interface S3Usage {
  /** Repeated ones included. */
  requests: number;
  /** Requests that were repeated: after a fault, or for the rest of a body that was cut off. */
  retries: number;
  /** Bodies only. */
  sentBytes: number;
  receivedBytes: number;
}

const usage: S3Usage = { requests: 0, retries: 0, sentBytes: 0, receivedBytes: 0 };

/** What this process has asked of S3 so far. */
export function s3Usage(): S3Usage {
  return { ...usage };
}

export function countRetry(): void {
  usage.retries++;
}

/** Bytes that were announced in a response but did not come. */
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

/** As announced in the head of an answer. */
export function countReceived(bytes: string | undefined): void {
  usage.receivedBytes += Number(bytes ?? 0);
}
