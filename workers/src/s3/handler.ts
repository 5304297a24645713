import { Readable } from 'node:stream';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import type { HttpRequest } from '@smithy/types';
import { countReceived, countRequest, countSent } from '../app/usage.ts';
import { type ByteSink, drain } from './drain.ts';

/** Options of one GetObject of a range whose body is written to a sink. */
export interface RangeOptions {
  /** Receives bytes that the caller counts. */
  sink: ByteSink;
  /** Of the range. */
  bytes: number;
  /** Set when the response head has arrived, unless the body is not the range; resolves when the sink has the whole body. */
  body?: Promise<void>;
  /** Set with `body`: the request, and the object's ETag. */
  sent?: HttpRequest;
  etag?: string | undefined;
  abortSignal?: AbortSignal;
}

/**
 * Makes the SDK's HTTP handler count requests and bytes, and copy bodies to their sinks.
 * @param patient sends the requests that complete an upload
 */
export function withSinks(handler: NodeHttpHandler, patient: NodeHttpHandler): NodeHttpHandler {
  const handle = handler.handle.bind(handler);
  const destroy = handler.destroy.bind(handler);
  handler.destroy = () => {
    destroy();
    patient.destroy();
  };
  const isCompletion = ({ method, query }: { method: string; query?: object }) =>
    method === 'POST' && query !== undefined && 'uploadId' in query;
  handler.handle = async (request, options) => {
    const wanted = options as Partial<RangeOptions> | undefined;
    countRequest();
    const answer = await (isCompletion(request) ? patient.handle(request, options) : handle(request, options));
    countSent((request as { body?: unknown }).body);
    const { response } = answer;
    const range = request.headers.range ?? request.headers.Range;
    if (wanted?.sink && isRange(response, wanted.bytes, range)) {
      wanted.body = drain(response.body as Readable, wanted.sink);
      wanted.sent = request;
      wanted.etag = response.headers.etag;
      wanted.body.catch(() => {}); // the caller awaits the body
      return { response: { ...response, body: Readable.from([]) } };
    }
    if (request.method !== 'HEAD') countReceived(response.headers['content-length']);
    return answer;
  };
  return handler;
}

/**
 * Returns whether an answer is the range that was requested. A service may ignore ranges and send whole objects (RFC 9110, 14.2), also where
 * the range is all of the object.
 * @param range "bytes=FIRST-LAST"
 */
export function isRange(
  { statusCode, headers }: { statusCode: number; headers: object },
  bytes: number | undefined,
  range: string | undefined,
): boolean {
  const { 'content-length': length, 'content-range': answered } = headers as Record<string, string | undefined>;
  if (statusCode !== 206) return statusCode === 200 && Number(length) === bytes;
  // A cache between may answer with another range. Where the object is shorter, the rest is requested.
  return firstByte(answered) === undefined || firstByte(answered) === firstByte(range);
}

/** Returns the first byte of a range, as a request or an answer names it. */
function firstByte(range: string | undefined): string | undefined {
  return /^bytes[= ](\d+)-/.exec(range ?? '')?.[1];
}
