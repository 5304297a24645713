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

const REQUESTS = 0;
const RETRIES = 1;
const SENT_BYTES = 2;
const RECEIVED_BYTES = 3;
const COUNTERS = 4;

let counters = new BigInt64Array(new SharedArrayBuffer(COUNTERS * BigInt64Array.BYTES_PER_ELEMENT));

/** Returns the counts so far, of all threads. */
export function s3Usage(): S3Usage {
  const count = (counter: number) => Number(Atomics.load(counters, counter));
  return {
    requests: count(REQUESTS),
    retries: count(RETRIES),
    sentBytes: count(SENT_BYTES),
    receivedBytes: count(RECEIVED_BYTES),
  };
}

/** Returns the memory of the counts, for `countInto` in another thread. */
export function usageMemory(): SharedArrayBuffer {
  return counters.buffer as SharedArrayBuffer;
}

/** Makes this thread add to the counts of another. */
export function countInto(memory: SharedArrayBuffer): void {
  counters = new BigInt64Array(memory);
}

export function countRetry(): void {
  add(RETRIES, 1);
}

export function countRequest(): void {
  add(REQUESTS, 1);
}

export function countSent(body: unknown): void {
  if (typeof body === 'string') add(SENT_BYTES, Buffer.byteLength(body));
  else if (body instanceof Uint8Array) add(SENT_BYTES, body.byteLength);
}

/** Adds bytes that were received, or that a response announces. */
export function countReceived(bytes: number | string | undefined): void {
  add(RECEIVED_BYTES, Number(bytes ?? 0));
}

function add(counter: number, count: number): void {
  Atomics.add(counters, counter, BigInt(count));
}
