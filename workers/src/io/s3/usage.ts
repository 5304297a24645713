import type { NodeHttpHandler } from '@smithy/node-http-handler';

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

/** Counts what passes through the SDK's HTTP handler. */
export function counting(handler: NodeHttpHandler): NodeHttpHandler {
  const handle = handler.handle.bind(handler);
  handler.handle = async (request, options) => {
    usage.requests++;
    const { body } = request as { body?: unknown };
    const answer = await handle(request, options);
    if (typeof body === 'string') usage.sentBytes += Buffer.byteLength(body);
    else if (body instanceof Uint8Array) usage.sentBytes += body.byteLength;
    if (request.method !== 'HEAD') usage.receivedBytes += Number(answer.response.headers['content-length'] ?? 0);
    return answer;
  };
  return handler;
}
