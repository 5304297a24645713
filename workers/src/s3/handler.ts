import { Readable } from 'node:stream';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import { countReceived, countRequest, countSent } from '../app/usage.ts';
import { type ByteSink, fastGet, type Timeouts } from './transfer/fast-get.ts';

/** Options of one GetObject whose body goes to a sink. */
export interface RangeOptions {
  sink: ByteSink;
  /** Set when the head of the answer has come; fulfilled when the body has gone to the sink. */
  body?: Promise<void>;
  abortSignal?: AbortSignal;
}

/**
 * Makes the SDK's HTTP handler count what passes, and lets bodies that have a sink go there straight. Signatures,
 * retries and errors stay the SDK's.
 * @param patient sends what makes an object of its parts
 */
export function withSinks(handler: NodeHttpHandler, patient: NodeHttpHandler, timeouts: Timeouts): NodeHttpHandler {
  const handle = handler.handle.bind(handler);
  const isCompletion = ({ method, query }: { method: string; query?: object }) =>
    method === 'POST' && query !== undefined && 'uploadId' in query;
  handler.handle = async (request, options) => {
    const wanted = options as Partial<RangeOptions> | undefined;
    if (wanted?.sink) {
      countRequest();
      const answer = await fastGet(request, wanted.sink, timeouts, wanted.abortSignal);
      if (answer) {
        wanted.body = answer.body;
        countReceived(answer.headers['content-length']);
        return { response: { statusCode: 206, headers: answer.headers, body: Readable.from([]) } };
      }
    }
    countRequest();
    const answer = await (isCompletion(request) ? patient.handle(request, options) : handle(request, options));
    countSent((request as { body?: unknown }).body);
    const { response } = answer;
    if (request.method !== 'HEAD') countReceived(response.headers['content-length']);
    if (wanted?.sink && response.statusCode < 300) {
      wanted.body = pump(response.body as Readable, wanted.sink);
      wanted.body.catch(() => {}); // told to who waits for the body
      return { response: { ...response, body: Readable.from([]) } };
    }
    return answer;
  };
  return handler;
}

/** A body that came in another way than expected, in pieces without a length for example. */
async function pump(body: Readable, sink: ByteSink): Promise<void> {
  for await (let chunk of body as AsyncIterable<Buffer>)
    while (chunk.length > 0) {
      const copied = chunk.copy(sink.room());
      await sink.filled(copied);
      chunk = chunk.subarray(copied);
    }
}
